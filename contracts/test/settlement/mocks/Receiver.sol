// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Settlement } from "../../../src/settlement/Settlement.sol";

/// @dev Takes money badly.
contract Receiver {
    enum Mood {
        Refuses,
        WithdrawsAgain,
        ReturnsMuch
    }

    Settlement private immutable _settlement;
    Mood private _mood;

    constructor(Settlement settlement) {
        _settlement = settlement;
    }

    receive() external payable {
        require(_mood != Mood.Refuses);
        if (_mood == Mood.WithdrawsAgain) _settlement.withdraw(payable(address(this)), msg.value);
        assembly {
            return(0, 100000)
        }
    }

    function setMood(Mood mood) external {
        _mood = mood;
    }

    function withdraw(uint256 amountWei) external {
        _settlement.withdraw(payable(address(this)), amountWei);
    }
}
