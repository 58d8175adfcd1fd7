// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../interfaces/ISettlement.sol";
import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";
import { ISettlementEvents } from "../interfaces/ISettlementEvents.sol";

/// @dev What accounts may withdraw. Nothing is pushed to anyone, so nobody can hold up a verdict by refusing money.
abstract contract Balances is ISettlement, ISettlementErrors, ISettlementEvents {
    mapping(address account => uint256) private _balances;
    uint256 private _burnedWei;

    /// @inheritdoc ISettlement
    /// @dev The balance is written before the call: who comes back in finds it gone.
    function withdraw(address payable to, uint256 amountWei) external {
        uint256 heldWei = _balances[msg.sender];
        require(heldWei >= amountWei, InsufficientFunds(heldWei, amountWei));
        unchecked {
            _balances[msg.sender] = heldWei - amountWei;
        }
        emit Withdrawn(msg.sender, to, amountWei);
        _send(to, amountWei);
    }

    /// @inheritdoc ISettlement
    function balanceOf(address account) external view returns (uint256) {
        return _balances[account];
    }

    /// @inheritdoc ISettlement
    function burnedWei() external view returns (uint256) {
        return _burnedWei;
    }

    function _credit(address account, uint256 amountWei) internal {
        if (amountWei != 0) _balances[account] += amountWei;
    }

    function _burn(uint256 amountWei) internal {
        if (amountWei == 0) return;
        _burnedWei += amountWei;
        emit Burned(amountWei);
        _send(address(0), amountWei);
    }

    function _send(address to, uint256 amountWei) private {
        bool ok;
        // What the receiver returns is not copied: it must not make the sender pay for memory.
        assembly ("memory-safe") {
            ok := call(gas(), to, amountWei, 0, 0, 0, 0)
        }
        require(ok, TransferFailed(to, amountWei));
    }
}
