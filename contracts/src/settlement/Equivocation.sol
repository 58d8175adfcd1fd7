// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { MessageHashUtils } from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import { ISettlement } from "../interfaces/ISettlement.sol";
import { Header, HeaderReader } from "./HeaderReader.sol";
import { ProposerSet } from "./ProposerSet.sol";

/// @dev Two signed blocks on one parent at one height. The parent is part of it, since an honest proposer proposes a
/// height again when the chain below it changed.
abstract contract Equivocation is ProposerSet {
    bytes32 private constant DOMAIN_TYPE_HASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant HEADER_TYPE_HASH =
        keccak256("ProposedHeader(bytes32 blockHash,bytes32 parentHash,uint64 number)");
    bytes32 private constant NAME_HASH = keccak256("InfinityVM Settlement");
    bytes32 private constant VERSION_HASH = keccak256("1");

    /// @inheritdoc ISettlement
    function reportEquivocation(
        bytes calldata headerA,
        bytes calldata signatureA,
        bytes calldata headerB,
        bytes calldata signatureB
    ) external {
        Header memory a = HeaderReader.read(headerA);
        Header memory b = HeaderReader.read(headerB);
        bool equivocates = a.hash != b.hash && a.parentHash == b.parentHash && a.number == b.number;
        require(equivocates, NotEquivocation(a.hash, b.hash));
        address signer = _signerOf(a, signatureA);
        address signerB = _signerOf(b, signatureB);
        require(signer == signerB, SignersDiffer(signer, signerB));
        ProposerState state = _stateOf(signer);
        require(_hasBond(state), NoBond(signer, state));

        emit EquivocationReported(signer, msg.sender, a.number, a.hash, b.hash);
        _slash(signer, 0, msg.sender, _shareWei(_challengerShareBps));
    }

    /// @inheritdoc ISettlement
    function proposedHeaderDigest(bytes32 blockHash, bytes32 parentHash, uint64 number) public view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE_HASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
        bytes32 header = keccak256(abi.encode(HEADER_TYPE_HASH, blockHash, parentHash, number));
        return MessageHashUtils.toTypedDataHash(domain, header);
    }

    function _signerOf(Header memory header, bytes calldata signature) private view returns (address) {
        return ECDSA.recoverCalldata(proposedHeaderDigest(header.hash, header.parentHash, header.number), signature);
    }
}
