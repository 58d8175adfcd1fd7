// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// What the client tests deploy: storage, an event, a revert of each kind.
contract Counter {
    event Increased(address indexed by, uint256 value);

    error TooMuch(uint256 got, uint256 limit);

    uint256 public constant LIMIT = 1000;
    uint256 public value;

    constructor(uint256 start) {
        value = start;
    }

    function increase(uint256 by) external {
        if (by > LIMIT) revert TooMuch(by, LIMIT);
        value += by;
        emit Increased(msg.sender, value);
    }

    function refuse() external pure {
        revert("refused");
    }

    function divide(uint256 by) external view returns (uint256) {
        return value / by;
    }
}
