// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev Keeps a hundredth of each transfer, once it is told to.
contract TakingToken is ERC20 {
    bool public takes;

    constructor() ERC20("Taking", "TAKE") {
        _mint(msg.sender, 1_000_000_000 ether);
    }

    function take() external {
        takes = true;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (takes && from != address(0)) super._update(to, address(0xfee), amount / 100);
    }
}

/// @dev Makes a call to some contract in the middle of a transfer, and reverts as it does.
contract CallingToken is ERC20 {
    address private _target;
    bytes private _call;

    constructor() ERC20("Calling", "CALL") {
        _mint(msg.sender, 1_000_000_000 ether);
    }

    function callWithin(address target, bytes calldata call) external {
        (_target, _call) = (target, call);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target == address(0)) return;
        (bool ok, bytes memory answer) = _target.call(_call);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }
}
