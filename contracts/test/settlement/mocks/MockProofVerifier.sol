// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IProofVerifier } from "../../../src/interfaces/IProofVerifier.sol";

/// @dev For tests only: knows the truth and takes a proof of nothing else.
contract MockProofVerifier is IProofVerifier {
    /// @dev The only bytes it takes as a proof.
    bytes public constant PROOF = "proof";

    error NotAProof(uint256 sizeBytes);

    /// @dev Zero for a run that has no outcome: there is no proof of anything about it.
    mapping(bytes32 statement => bytes32 outcomeHash) private _truths;

    function setTruth(bytes32 programId, bytes32 inputCommitment, bytes32 outcomeHash) external {
        _truths[keccak256(abi.encode(programId, inputCommitment))] = outcomeHash;
    }

    function verify(bytes32 programId, bytes32 inputCommitment, bytes32 outcomeHash, bytes calldata proof)
        external
        view
        returns (bool)
    {
        require(keccak256(proof) == keccak256(PROOF), NotAProof(proof.length));
        bytes32 truth = _truths[keccak256(abi.encode(programId, inputCommitment))];
        return truth != 0 && truth == outcomeHash;
    }
}
