// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import { OffchainRequester } from "./OffchainRequester.sol";

/// @title A contract for which one key asks for jobs, for good
abstract contract SingleSigner is OffchainRequester {
    /// @notice Whose signatures are good.
    address public immutable SIGNER;

    /// @notice Without a signer, nobody could ask.
    error SignerZero();

    /// @notice Only the signer may revoke what it signed.
    error NotSigner(address got, address expected);

    constructor(address signer) {
        require(signer != address(0), SignerZero());
        SIGNER = signer;
    }

    /// @notice Ends what was signed with this number, without a request in its place: see `IOffchainJobs.revokeNumber`. Only
    /// the signer may call.
    function revokeNumber(uint64 number, bool ordered) external {
        require(msg.sender == SIGNER, NotSigner(msg.sender, SIGNER));
        JOB_MANAGER.revokeNumber(number, ordered);
    }

    /// @dev 65 bytes, `s` in the lower half: of one signature, nobody else can make another.
    function _isSignedForUs(bytes32 digest, bytes calldata signature) internal view override returns (bool) {
        (address recovered, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        return fault == ECDSA.RecoverError.NoError && recovered == SIGNER;
    }
}
