// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IProofVerifier } from "../interfaces/IProofVerifier.sol";
import { Arbitration } from "./Arbitration.sol";
import { Blocks } from "./Blocks.sol";
import { ClaimBook } from "./ClaimBook.sol";
import { EarlyFinality } from "./EarlyFinality.sol";
import { Equivocation } from "./Equivocation.sol";
import { ParameterSet } from "./ParameterSet.sol";
import { ProposerSet } from "./ProposerSet.sol";

/// @title Settlement: the order of execution blocks, bonds, challenges and verdicts
/// @dev Each part is a file of its own; this puts them together. The ether here is the sum of all balances, of the bonds
/// of active and exiting proposers, of the bonds of open challenges, and of the shares of leading challenges that are
/// not settled yet.
contract Settlement is Arbitration, EarlyFinality, Equivocation {
    /// @param rules The rules.
    /// @param owner Who decides who may propose.
    /// @param verifier_ Who judges proofs.
    /// @param jobManager_ The contract of the execution chain whose logs are claims.
    /// @param genesis The block that the first proposed one is built on.
    /// @param proposers_ Who is active from the start. The value sent is their bonds.
    constructor(
        Parameters memory rules,
        address owner,
        IProofVerifier verifier_,
        address jobManager_,
        ExecutionGenesis memory genesis,
        address[] memory proposers_
    ) payable ParameterSet(rules) ProposerSet(owner, proposers_) Blocks(genesis) ClaimBook(verifier_, jobManager_) { }
}
