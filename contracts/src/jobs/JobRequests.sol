// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { MessageHashUtils } from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import { IOffchainJobs } from "../interfaces/IOffchainJobs.sol";

/// @title What is signed to ask for a job: EIP-712
/// @dev The same as `ivm-contracts` in Rust; the golden vectors hold both to it. The domain depends on chain and
/// contract, and is computed each time: the contract comes from genesis, without a constructor that could keep it.
library JobRequests {
    string internal constant NAME = "InfinityVM";
    string internal constant VERSION = "1";

    /// @dev Which fields the domain has, by EIP-5267: name, version, chain and contract; no salt.
    bytes1 internal constant DOMAIN_FIELDS = 0x0f;

    bytes32 private constant DOMAIN_TYPE_HASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    // Of literals: hashes of the constants above would be computed at each use.
    bytes32 private constant NAME_HASH = keccak256("InfinityVM");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant REQUEST_TYPE_HASH = keccak256(
        "JobRequest(address consumer,uint64 nonce,bool ordered,bytes32 programId,bytes onchainInput,bytes32 offchainInputHash,uint64 maxCycles,uint64 callbackGasLimit,uint64 deadlineBlock,address feePayer,uint256 maxFeeWei)"
    );

    /// @notice The digest that a signature of the request is over.
    /// @param onchainInputHash keccak256 of the request's onchain input.
    function digest(IOffchainJobs.JobRequest calldata request, bytes32 onchainInputHash)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE_HASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
        bytes32 structHash = keccak256(
            abi.encode(
                REQUEST_TYPE_HASH,
                request.consumer,
                request.nonce,
                request.ordered,
                request.programId,
                onchainInputHash,
                request.offchainInputHash,
                request.maxCycles,
                request.callbackGasLimit,
                request.deadlineBlock,
                request.feePayer,
                request.maxFeeWei
            )
        );
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }
}
