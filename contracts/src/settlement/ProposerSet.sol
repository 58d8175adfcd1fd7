// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { Ownable2Step } from "@openzeppelin/contracts/access/Ownable2Step.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { ISettlement } from "../interfaces/ISettlement.sol";
import { Balances } from "./Balances.sol";
import { ParameterSet } from "./ParameterSet.sol";

/// @dev Who may propose, and their bonds.
abstract contract ProposerSet is ParameterSet, Balances, Ownable2Step {
    /// @dev One slot. `id` is the position in `_proposers`, from 1; it is for good.
    struct ProposerRecord {
        ProposerState state;
        uint32 id;
        uint40 lastNumber;
        uint40 lastProposedAt;
        uint40 exitRequestedAt;
    }

    /// @dev Over the life of the contract, so that the list of all can be read in one call.
    uint256 private constant MAX_PROPOSERS = 1000;

    mapping(address proposer => ProposerRecord) private _records;
    address[] private _proposers;

    constructor(address owner, address[] memory proposers_) payable Ownable(owner) {
        uint256 bondsWei = proposers_.length * uint256(_proposerBondWei);
        require(msg.value == bondsWei, WrongValue(msg.value, bondsWei));
        for (uint256 i; i < proposers_.length; ++i) {
            _allow(proposers_[i]);
            _activate(proposers_[i]);
        }
    }

    /// @inheritdoc ISettlement
    function allow(address proposer) external onlyOwner {
        _allow(proposer);
    }

    /// @inheritdoc ISettlement
    function disallow(address proposer) external onlyOwner {
        ProposerRecord storage record = _records[proposer];
        if (record.state == ProposerState.Active) {
            _beginExit(proposer);
        } else {
            _requireState(proposer, ProposerState.Allowed);
            record.state = ProposerState.None;
        }
        emit ProposerDisallowed(proposer);
    }

    /// @inheritdoc ISettlement
    function bond() external payable {
        _requireState(msg.sender, ProposerState.Allowed);
        require(msg.value == _proposerBondWei, WrongValue(msg.value, _proposerBondWei));
        _activate(msg.sender);
    }

    /// @inheritdoc ISettlement
    function requestExit() external {
        _requireState(msg.sender, ProposerState.Active);
        _beginExit(msg.sender);
    }

    /// @inheritdoc ISettlement
    function exit() external {
        _requireState(msg.sender, ProposerState.Exiting);
        ProposerRecord storage record = _records[msg.sender];
        uint256 earliest = _exitableAt(record);
        require(block.number >= earliest, ExitTooEarly(block.number, earliest));
        // Beyond this height nothing of the proposer's can be judged any more, so there is nothing left to be liable for.
        uint64 lastOpen = _lastOpenNumber(record.lastNumber);
        uint64 finalNumber = _finalNumber();
        require(finalNumber >= lastOpen, ProposalsNotFinal(finalNumber, lastOpen));

        record.state = ProposerState.None;
        _credit(msg.sender, _proposerBondWei);
        emit ProposerExited(msg.sender, _proposerBondWei);
    }

    /// @inheritdoc ISettlement
    function proposerInfo(address proposer) external view returns (ProposerInfo memory) {
        ProposerRecord storage record = _records[proposer];
        return ProposerInfo({
            state: record.state,
            bondWei: _hasBond(record.state) ? _proposerBondWei : 0,
            lastNumber: record.lastNumber,
            lastProposedAtBlock: record.lastProposedAt,
            exitRequestedAtBlock: record.exitRequestedAt
        });
    }

    /// @inheritdoc ISettlement
    function proposers() external view returns (address[] memory) {
        return _proposers;
    }

    /// @dev Notes that an active proposer proposes a block.
    function _recordProposal(address proposer, uint64 number) internal returns (uint32 id) {
        ProposerRecord memory record = _records[proposer];
        require(record.state == ProposerState.Active, WrongProposerState(proposer, record.state, ProposerState.Active));
        record.lastNumber = uint40(number);
        record.lastProposedAt = uint40(block.number);
        _records[proposer] = record;
        return record.id;
    }

    /// @dev Takes a proposer's bond, when it has one, and jails it.
    /// @param challengerWei What is kept back for a challenger.
    /// @param prover Who gets `proverWei` at once.
    /// @return slashed Whether there was a bond.
    function _slash(address proposer, uint256 challengerWei, address prover, uint256 proverWei)
        internal
        returns (bool slashed)
    {
        ProposerRecord storage record = _records[proposer];
        slashed = _hasBond(record.state);
        record.state = ProposerState.Jailed;
        if (!slashed) return false;

        uint256 burnWei = _proposerBondWei - challengerWei - proverWei;
        emit ProposerSlashed(proposer, _proposerBondWei, challengerWei, proverWei, burnWei);
        _credit(prover, proverWei);
        _burn(burnWei);
    }

    function _stateOf(address proposer) internal view returns (ProposerState) {
        return _records[proposer].state;
    }

    function _hasBond(ProposerState state) internal pure returns (bool) {
        return state == ProposerState.Active || state == ProposerState.Exiting;
    }

    /// @dev The proposer with an id; zero for the one of the genesis.
    function _proposerOf(uint32 id) internal view returns (address) {
        return id == 0 ? address(0) : _proposers[id - 1];
    }

    /// @dev Height of the newest final block.
    function _finalNumber() internal view virtual returns (uint64);

    /// @dev The highest block up to `number` that is in the chain.
    function _lastOpenNumber(uint64 number) internal view virtual returns (uint64);

    function _allow(address proposer) private {
        _requireState(proposer, ProposerState.None);
        ProposerRecord storage record = _records[proposer];
        if (record.id == 0) {
            require(_proposers.length < MAX_PROPOSERS, TooManyProposers(MAX_PROPOSERS));
            _proposers.push(proposer);
            record.id = uint32(_proposers.length);
        }
        record.state = ProposerState.Allowed;
        emit ProposerAllowed(proposer);
    }

    function _activate(address proposer) private {
        _records[proposer].state = ProposerState.Active;
        emit ProposerBonded(proposer, _proposerBondWei);
    }

    function _beginExit(address proposer) private {
        ProposerRecord storage record = _records[proposer];
        record.state = ProposerState.Exiting;
        record.exitRequestedAt = uint40(block.number);
        emit ExitRequested(proposer, uint64(_exitableAt(record)));
    }

    /// @dev First block at which no challenge of the proposer's blocks can be waiting for its answer.
    function _exitableAt(ProposerRecord storage record) private view returns (uint256) {
        return
            Math.max(record.exitRequestedAt, record.lastProposedAt) + _challengePeriodBlocks + _proverPeriodBlocks + 1;
    }

    function _requireState(address proposer, ProposerState expected) private view {
        ProposerState got = _records[proposer].state;
        require(got == expected, WrongProposerState(proposer, got, expected));
    }
}
