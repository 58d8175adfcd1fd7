// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An ordinary ERC-20: all of it belongs to whoever deploys it.
/// @notice For benchmarks, and to have something to transfer on a development chain.
contract ExampleToken is ERC20 {
    constructor() ERC20("Example", "EXAMPLE") {
        _mint(msg.sender, 1_000_000_000 ether);
    }
}
