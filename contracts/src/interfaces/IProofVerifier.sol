// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Who judges proofs (LP 8.4)
/// @notice On an embedded settlement chain a native precompile answers to this call; on another chain a contract does.
interface IProofVerifier {
    /// @notice Whether a proof shows that a program, started with an input, ends with an outcome.
    /// @dev May revert instead of returning false, to say why. Must not depend on who asks.
    /// @param programId The program.
    /// @param inputCommitment Commitment to the onchain and the offchain input, as a claim states it.
    /// @param outcomeHash Commitment to the outcome, as a claim states it.
    /// @param proof What the verifier needs; for the precompile, the content hashes of the payloads that it reads.
    /// @return valid True when the proof shows it.
    function verify(bytes32 programId, bytes32 inputCommitment, bytes32 outcomeHash, bytes calldata proof)
        external
        view
        returns (bool valid);
}
