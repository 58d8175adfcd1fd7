// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// What an account can delegate to (EIP-7702): calls others in its name, and keeps count in its storage.
contract Delegate {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    event Executed(address indexed account, uint256 calls);

    error NotTheAccount(address caller);

    uint256 public executed;

    receive() external payable {}

    function execute(Call[] calldata calls) external payable {
        if (msg.sender != address(this)) revert NotTheAccount(msg.sender);
        for (uint256 i; i < calls.length; ++i) {
            (bool success,) = calls[i].to.call{value: calls[i].value}(calls[i].data);
            require(success, "call failed");
        }
        executed += calls.length;
        emit Executed(address(this), calls.length);
    }
}
