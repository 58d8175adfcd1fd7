// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { ISettlement } from "../interfaces/ISettlement.sol";
import { Header, HeaderReader } from "./HeaderReader.sol";
import { ProposerSet } from "./ProposerSet.sol";
import { BlockRecord, ChainRecord, Records } from "./Records.sol";

/// @dev The execution chain: its order, its tip, and how far it is final. A block is in the chain when it is the
/// canonical one of its height and its height is not above the tip: so invalidating a block with all its descendants is
/// one write.
abstract contract Blocks is ProposerSet {
    using Records for *;

    uint256 private _chain;
    mapping(uint256 number => bytes32) private _canonical;
    mapping(bytes32 blockHash => uint256 record) private _blocks;

    constructor(ExecutionGenesis memory genesis) {
        require(genesis.hash != 0, ParameterOutOfRange("genesis.hash", 0, 1, type(uint256).max));
        _requireRange("genesis.number", genesis.number, 0, type(uint32).max);
        _requireRange("genesis.timestamp", genesis.timestamp, 0, type(uint32).max);
        uint40 number = uint40(genesis.number);
        uint40 timestamp = uint40(genesis.timestamp);
        _chain = ChainRecord({ tipNumber: number, tipTimestamp: timestamp, finalNumber: number }).pack();
        _canonical[number] = genesis.hash;
        _blocks[genesis.hash] = _newBlock(0, number, timestamp);
    }

    /// @inheritdoc ISettlement
    function propose(bytes calldata header) external {
        Header memory next = HeaderReader.read(header);
        ChainRecord memory chain = _chain.toChain();
        _requireFollows(next, chain);
        require(_blocks[next.hash] == 0, BlockKnown(next.hash));
        uint32 proposerId = _recordProposal(msg.sender, next.number);

        _canonical[next.number] = next.hash;
        chain.tipNumber = uint40(next.number);
        chain.tipTimestamp = uint40(next.timestamp);
        _blocks[next.hash] = _newBlock(proposerId, chain.tipNumber, chain.tipTimestamp);
        emit BlockProposed(next.number, next.hash, msg.sender);
        // A proposal brings one block and makes one final. When finality fell behind, it catches up at twice that speed.
        (, bool overdue) = _finalizeNext(chain);
        if (overdue) _finalizeNext(chain);
        _chain = chain.pack();
    }

    /// @inheritdoc ISettlement
    function finalize(uint256 maxBlocks) external returns (uint256 count) {
        ChainRecord memory chain = _chain.toChain();
        for (bool done = true; done && count < maxBlocks;) {
            (done,) = _finalizeNext(chain);
            if (done) ++count;
        }
        _chain = chain.pack();
    }

    /// @inheritdoc ISettlement
    function tip() external view returns (Tip memory) {
        ChainRecord memory chain = _chain.toChain();
        return Tip({ number: chain.tipNumber, hash: _canonical[chain.tipNumber], timestamp: chain.tipTimestamp });
    }

    /// @inheritdoc ISettlement
    function finalizedNumber() external view returns (uint64) {
        return _chain.toChain().finalNumber;
    }

    /// @inheritdoc ISettlement
    function canonicalHash(uint64 number) external view returns (bytes32) {
        return number <= _chain.toChain().tipNumber ? _canonical[number] : bytes32(0);
    }

    /// @inheritdoc ISettlement
    function blockInfo(bytes32 blockHash) external view returns (BlockInfo memory) {
        BlockRecord memory record = _blocks[blockHash].toBlock();
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
        return _blocks[blockHash].toBlock();
    }

    function _setBlockRecord(bytes32 blockHash, BlockRecord memory record) internal {
        _blocks[blockHash] = record.pack();
    }

    /// @dev The record of a block that is in the chain and not final, or a revert.
    function _openBlock(bytes32 blockHash) internal view returns (BlockRecord memory record) {
        record = _blocks[blockHash].toBlock();
        BlockState state = _stateOf(blockHash, record);
        require(state == BlockState.Proposed, WrongBlockState(blockHash, state));
    }

    function _stateOf(bytes32 blockHash, BlockRecord memory record) internal view returns (BlockState) {
        if (!record.known) return BlockState.Unknown;
        ChainRecord memory chain = _chain.toChain();
        if (record.number > chain.tipNumber || _canonical[record.number] != blockHash) return BlockState.Dropped;
        return record.number > chain.finalNumber ? BlockState.Proposed : BlockState.Final;
    }

    /// @dev Takes a block that is in the chain and not final out of it, and its descendants with it.
    function _invalidate(bytes32 blockHash, uint256 number, bytes32 claimId) internal {
        ChainRecord memory chain = _chain.toChain();
        chain.tipNumber = uint40(number - 1);
        chain.tipTimestamp = _blocks[_canonical[number - 1]].toBlock().timestamp;
        _chain = chain.pack();
        emit BlockInvalidated(uint64(number), blockHash, claimId);
    }

    /// @inheritdoc ProposerSet
    function _finalNumber() internal view override returns (uint64) {
        return _chain.toChain().finalNumber;
    }

    /// @inheritdoc ProposerSet
    function _lastOpenNumber(uint64 number) internal view override returns (uint64) {
        return uint64(Math.min(number, _chain.toChain().tipNumber));
    }

    /// @dev Makes a block final whose parent is.
    function _makeFinal(uint64 number, bytes32 blockHash) internal {
        ChainRecord memory chain = _chain.toChain();
        chain.finalNumber = uint40(number);
        _chain = chain.pack();
        emit BlockFinalized(number, blockHash);
    }

    function _newBlock(uint32 proposerId, uint40 number, uint40 timestamp) private view returns (uint256) {
        BlockRecord memory record;
        record.known = true;
        record.proposerId = proposerId;
        record.number = number;
        record.timestamp = timestamp;
        record.proposedAt = uint40(block.number);
        return record.pack();
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

    /// @dev Makes the next block final, in `chain`, when it is ripe.
    /// @return done Whether it was.
    /// @return overdue Whether it had been before this settlement block, so that the one after it may be ripe, too.
    function _finalizeNext(ChainRecord memory chain) private returns (bool done, bool overdue) {
        if (chain.finalNumber == chain.tipNumber) return (false, false);
        uint40 number = chain.finalNumber + 1;
        bytes32 blockHash = _canonical[number];
        BlockRecord memory record = _blocks[blockHash].toBlock();
        if (!_isRipe(record)) return (false, false);
        chain.finalNumber = number;
        emit BlockFinalized(number, blockHash);
        return (true, block.number > record.proposedAt + _challengePeriodBlocks + 1);
    }

    /// @dev Whether the challenge period is over and no challenge holds the block. A demand holds it until it is met or
    /// expires, and then the block is gone; a refute until it is decided or its deadline is past, so that nobody has to
    /// close those that were made to delay.
    function _isRipe(BlockRecord memory record) private view returns (bool) {
        return block.number > record.proposedAt + _challengePeriodBlocks && record.claimsUnderDemand == 0
            && (record.openRefutes == 0 || block.number > record.pausedUntil);
    }
}
