// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import { IJobManager } from "../interfaces/IJobManager.sol";

/// @title Calls that cannot hurt their caller
/// @dev What the callee returns is not copied, or 32 bytes of it, so it cannot make the caller pay for memory.
library IsolatedCall {
    /// @dev Gas that a check of a signature gets, and can use at most.
    uint256 internal constant SIGNATURE_CHECK_GAS = 200_000;

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

    /// @notice Asks a contract by EIP-1271 whether a signature is good, with exactly `SIGNATURE_CHECK_GAS`, or reverts
    /// when so much cannot be given: who sends the transaction must not make a good signature look bad.
    /// @return good False also when the contract reverted, ran out of gas, returned anything else or has no code.
    function isValidSignature(address signer, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool good)
    {
        bytes memory data = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 goodAnswer = bytes32(IERC1271.isValidSignature.selector);
        _requireGas(SIGNATURE_CHECK_GAS);
        assembly ("memory-safe") {
            // 32 bytes of the answer fit in scratch space.
            let ok := staticcall(SIGNATURE_CHECK_GAS, signer, add(data, 0x20), mload(data), 0, 0x20)
            good := and(and(ok, gt(returndatasize(), 0x1f)), eq(mload(0), goodAnswer))
        }
    }

    function _attempt(address target, uint256 gasFloor, uint256 gasCap, bytes memory data) private returns (bool ok) {
        if (target.code.length == 0) return false;
        _requireGas(gasFloor);
        assembly ("memory-safe") {
            ok := call(gasCap, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
    }

    /// @dev Reverts unless a call can now be given so much gas.
    function _requireGas(uint256 callGas) private view {
        uint256 needed = callGas + callGas / 63 + CALL_OVERHEAD_GAS;
        require(gasleft() >= needed, IJobManager.InsufficientCallbackGas(gasleft(), needed));
    }
}
