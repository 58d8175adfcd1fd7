// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// OpenZeppelin's ERC-20, all of whose supply is the deployer's.
contract Token is ERC20 {
    constructor() ERC20("Corpus", "CRP") {
        _mint(msg.sender, 1_000_000e18);
    }
}
