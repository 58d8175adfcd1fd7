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

    constructor(address signer) {
        require(signer != address(0), SignerZero());
        SIGNER = signer;
    }

    /// @dev 65 bytes, `s` in the lower half: of one signature, nobody else can make another.
    function _isSignedForUs(bytes32 digest, bytes calldata signature) internal view override returns (bool) {
        (address recovered, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        return fault == ECDSA.RecoverError.NoError && recovered == SIGNER;
    }
}
