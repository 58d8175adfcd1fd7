// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { ISettlement } from "../interfaces/ISettlement.sol";
import { Header, HeaderReader } from "./HeaderReader.sol";
import { ProposerSet } from "./ProposerSet.sol";

/// @dev One slot for all that is known of a block.
struct BlockRecord {
    bool known;
    uint32 proposerId;
    uint40 number;
    uint40 timestamp;
    uint40 proposedAt;
    uint40 pausedUntil;
    uint24 claimsUnderDemand;
    uint24 openRefutes;
}

/// @dev The execution chain: its order, its tip, and how far it is final. A block is in the chain when it is the
/// canonical one of its height and its height is not above the tip: so invalidating a block with all its descendants is
/// one write.
abstract contract Blocks is ProposerSet {
    struct ChainRecord {
        uint40 tipNumber;
        uint40 tipTimestamp;
        uint40 finalNumber;
    }

    /// @dev A proposal brings one block; finality that fell behind catches up at twice that speed.
    uint256 private constant FINALIZED_PER_PROPOSAL = 2;

    ChainRecord private _chain;
    mapping(uint256 number => bytes32) private _canonical;
    mapping(bytes32 blockHash => BlockRecord) private _blocks;

    constructor(ExecutionGenesis memory genesis) {
        require(genesis.hash != 0, ParameterOutOfRange("genesis.hash", 0, 1, type(uint256).max));
        _requireRange("genesis.number", genesis.number, 0, type(uint32).max);
        _requireRange("genesis.timestamp", genesis.timestamp, 0, type(uint32).max);
        uint40 number = uint40(genesis.number);
        uint40 timestamp = uint40(genesis.timestamp);
        _chain = ChainRecord({ tipNumber: number, tipTimestamp: timestamp, finalNumber: number });
        _canonical[number] = genesis.hash;
        BlockRecord storage record = _blocks[genesis.hash];
        record.known = true;
        record.number = number;
        record.timestamp = timestamp;
        record.proposedAt = uint40(block.number);
    }

    /// @inheritdoc ISettlement
    function propose(bytes calldata header) external {
        Header memory next = HeaderReader.read(header);
        ChainRecord memory chain = _chain;
        _requireFollows(next, chain);
        require(!_blocks[next.hash].known, BlockKnown(next.hash));
        uint32 proposerId = _recordProposal(msg.sender, next.number);

        _canonical[next.number] = next.hash;
        _blocks[next.hash] = BlockRecord({
            known: true,
            proposerId: proposerId,
            number: uint40(next.number),
            timestamp: uint40(next.timestamp),
            proposedAt: uint40(block.number),
            pausedUntil: 0,
            claimsUnderDemand: 0,
            openRefutes: 0
        });
        chain.tipNumber = uint40(next.number);
        chain.tipTimestamp = uint40(next.timestamp);
        emit BlockProposed(next.number, next.hash, msg.sender);
        _finalizeRipe(chain, FINALIZED_PER_PROPOSAL);
        _chain = chain;
    }

    /// @inheritdoc ISettlement
    function finalize(uint256 maxBlocks) external returns (uint256 count) {
        ChainRecord memory chain = _chain;
        count = _finalizeRipe(chain, maxBlocks);
        _chain = chain;
    }

    /// @inheritdoc ISettlement
    function tip() external view returns (Tip memory) {
        ChainRecord memory chain = _chain;
        return Tip({ number: chain.tipNumber, hash: _canonical[chain.tipNumber], timestamp: chain.tipTimestamp });
    }

    /// @inheritdoc ISettlement
    function finalizedNumber() external view returns (uint64) {
        return _chain.finalNumber;
    }

    /// @inheritdoc ISettlement
    function canonicalHash(uint64 number) external view returns (bytes32) {
        return number <= _chain.tipNumber ? _canonical[number] : bytes32(0);
    }

    /// @inheritdoc ISettlement
    function blockInfo(bytes32 blockHash) external view returns (BlockInfo memory) {
        BlockRecord memory record = _blocks[blockHash];
        return BlockInfo({
            state: _stateOf(blockHash, record),
            proposer: _proposerOf(record.proposerId),
            number: record.number,
            timestamp: record.timestamp,
            proposedAtBlock: record.proposedAt,
            claimsUnderDemand: record.claimsUnderDemand,
            openRefutes: record.openRefutes,
            pausedUntilBlock: record.pausedUntil
        });
    }

    function _blockRecord(bytes32 blockHash) internal view returns (BlockRecord memory) {
        return _blocks[blockHash];
    }

    function _setBlockRecord(bytes32 blockHash, BlockRecord memory record) internal {
        _blocks[blockHash] = record;
    }

    /// @dev The record of a block that is in the chain and not final, or a revert.
    function _openBlock(bytes32 blockHash) internal view returns (BlockRecord memory record) {
        record = _blocks[blockHash];
        BlockState state = _stateOf(blockHash, record);
        require(state == BlockState.Proposed, WrongBlockState(blockHash, state));
    }

    function _stateOf(bytes32 blockHash, BlockRecord memory record) internal view returns (BlockState) {
        if (!record.known) return BlockState.Unknown;
        ChainRecord memory chain = _chain;
        if (record.number > chain.tipNumber || _canonical[record.number] != blockHash) return BlockState.Dropped;
        return record.number > chain.finalNumber ? BlockState.Proposed : BlockState.Final;
    }

    /// @dev Takes a block that is in the chain and not final out of it, and its descendants with it.
    function _invalidate(bytes32 blockHash, uint256 number, bytes32 claimId) internal {
        uint256 parentNumber = number - 1;
        _chain.tipNumber = uint40(parentNumber);
        _chain.tipTimestamp = _blocks[_canonical[parentNumber]].timestamp;
        emit BlockInvalidated(uint64(number), blockHash, claimId);
    }

    /// @inheritdoc ProposerSet
    function _finalNumber() internal view override returns (uint64) {
        return _chain.finalNumber;
    }

    /// @inheritdoc ProposerSet
    function _lastOpenNumber(uint64 number) internal view override returns (uint64) {
        return uint64(Math.min(number, _chain.tipNumber));
    }

    function _requireFollows(Header memory next, ChainRecord memory chain) private view {
        uint64 number = uint64(chain.tipNumber) + 1;
        require(next.number == number, WrongNumber(next.number, number));
        bytes32 tipHash = _canonical[chain.tipNumber];
        require(next.parentHash == tipHash, WrongParent(next.parentHash, tipHash));
        // Blocks come several times a second, timestamps count seconds: a child may have its parent's.
        require(next.timestamp >= chain.tipTimestamp, TimestampTooEarly(next.timestamp, chain.tipTimestamp));
        uint256 latest = block.timestamp + _maxTimestampDriftSeconds;
        require(next.timestamp <= latest, TimestampTooLate(next.timestamp, latest));
    }

    /// @dev Moves finality on over ripe blocks, in `chain`.
    function _finalizeRipe(ChainRecord memory chain, uint256 maxBlocks) private returns (uint256 count) {
        while (count < maxBlocks && chain.finalNumber < chain.tipNumber) {
            uint40 number = chain.finalNumber + 1;
            bytes32 blockHash = _canonical[number];
            if (!_isRipe(_blocks[blockHash])) break;
            chain.finalNumber = number;
            emit BlockFinalized(number, blockHash);
            ++count;
        }
    }

    /// @dev Whether the challenge period is over and no challenge holds the block. A demand holds it until it is met or
    /// expires, and then the block is gone; a refute until it is decided or its deadline is past, so that nobody has to
    /// close those that were made to delay.
    function _isRipe(BlockRecord memory record) private view returns (bool) {
        return block.number > record.proposedAt + _challengePeriodBlocks && record.claimsUnderDemand == 0
            && (record.openRefutes == 0 || block.number > record.pausedUntil);
    }
}
