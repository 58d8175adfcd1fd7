// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import { Consumer } from "./Consumer.sol";

/// @title Base of contracts that ask for jobs by signature (LP 8.1)
/// @notice Say in `_isSignedForUs` which signatures are good. The job manager gives the check 200,000 gas; it may read
/// state, but what was good may not be so any more when the job lands, which then is passed over. A number that must not
/// land any more is revoked by `JOB_MANAGER.revokeNumber`: say who may have that done.
abstract contract OffchainRequester is Consumer, IERC1271 {
    /// @dev What EIP-1271 has no name for: any other answer than its magic value.
    bytes4 private constant BAD_SIGNATURE = 0xffffffff;

    /// @inheritdoc IERC1271
    /// @dev Nobody but the job manager gets a good answer: a signature that asks for a job must not pass for this
    /// contract's consent to anything else, nor a digest that others made up for a request.
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        bool good = msg.sender == address(JOB_MANAGER) && _isSignedForUs(digest, signature);
        return good ? IERC1271.isValidSignature.selector : BAD_SIGNATURE;
    }

    /// @dev Whether this is a signature of the digest by whoever may ask for jobs on behalf of this contract.
    /// @param digest As `IOffchainJobs.hashRequest` gives it: chain, manager, consumer and number are in it.
    /// @param signature Whatever this contract takes for one.
    function _isSignedForUs(bytes32 digest, bytes calldata signature) internal view virtual returns (bool);
}
