// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IProofVerifier } from "../interfaces/IProofVerifier.sol";
import { ISettlement } from "../interfaces/ISettlement.sol";
import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";

/// @title Asks the verifier
library ProofCall {
    /// @notice Returns when the proof shows the outcome, and reverts otherwise, with what the verifier says when it
    /// reverts itself.
    /// @dev The compiler's own call would refuse a precompile, which has no code. What returns nothing, as an address
    /// with neither code nor precompile does, is refused here.
    function requireProof(
        IProofVerifier verifier,
        ISettlement.Statement memory statement,
        bytes32 outcomeHash,
        bytes calldata proof
    ) internal view {
        bytes memory data = abi.encodeCall(
            IProofVerifier.verify, (statement.programId, statement.inputCommitment, outcomeHash, proof)
        );
        bool ok;
        uint256 word;
        uint256 size;
        assembly ("memory-safe") {
            ok := staticcall(gas(), verifier, add(data, 0x20), mload(data), 0, 0x20)
            word := mload(0)
            size := returndatasize()
            if and(iszero(ok), gt(size, 0)) {
                let reason := mload(0x40)
                returndatacopy(reason, 0, size)
                revert(reason, size)
            }
        }
        require(ok && size == 32 && word <= 1, ISettlementErrors.VerifierMisbehaved(address(verifier), size));
        require(word == 1, ISettlementErrors.ProofRejected(outcomeHash));
    }
}
