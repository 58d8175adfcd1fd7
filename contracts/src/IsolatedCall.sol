// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IJobManager } from "./interfaces/IJobManager.sol";

/// @title Calls that cannot hurt their caller
/// @dev What the callee returns is never copied, so it cannot make the caller pay for memory.
library IsolatedCall {
    /// @dev Gas between the check and the call: a warm `CALL` and the stack work around it.
    uint256 private constant CALL_OVERHEAD_GAS = 1000;

    /// @notice Calls with exactly `gasLimit` gas, or reverts when so much cannot be given: EIP-150 lets a call have 63/64
    /// of what is left, and who sends the transaction must not starve a callback into failing.
    /// @return ok False when the target reverted, ran out of gas or has no code.
    function attempt(address target, uint256 gasLimit, bytes memory data) internal returns (bool ok) {
        return _attempt(target, gasLimit, gasLimit, data);
    }

    /// @notice Calls with all the gas there is, or reverts when that is less than `gasFloor`.
    /// @return ok False when the target reverted, ran out of gas or has no code.
    function attemptWithAtLeast(address target, uint256 gasFloor, bytes memory data) internal returns (bool ok) {
        return _attempt(target, gasFloor, type(uint256).max, data);
    }

    function _attempt(address target, uint256 gasFloor, uint256 gasCap, bytes memory data) private returns (bool ok) {
        if (target.code.length == 0) return false;

        uint256 needed = gasFloor + gasFloor / 63 + CALL_OVERHEAD_GAS;
        require(gasleft() >= needed, IJobManager.InsufficientCallbackGas(gasleft(), needed));
        assembly ("memory-safe") {
            ok := call(gasCap, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
