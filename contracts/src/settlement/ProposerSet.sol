// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { Ownable2Step } from "@openzeppelin/contracts/access/Ownable2Step.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

import { ISettlement } from "../interfaces/ISettlement.sol";
import { Balances } from "./Balances.sol";
import { ParameterSet } from "./ParameterSet.sol";
import { ProposerRecord, Records } from "./Records.sol";

/// @dev Who may propose, and their bonds.
abstract contract ProposerSet is ParameterSet, Balances, Ownable2Step {
    using Records for *;

    /// @dev Over the life of the contract, so that the list of all can be read in one call.
    uint256 private constant MAX_PROPOSERS = 1000;

    mapping(address proposer => uint256 record) private _records;
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
        ProposerRecord memory record = _records[proposer].toProposer();
        if (record.state == ProposerState.Active) {
            _beginExit(proposer, record);
        } else {
            _requireState(proposer, record, ProposerState.Allowed);
            record.state = ProposerState.None;
            _records[proposer] = record.pack();
        }
        emit ProposerDisallowed(proposer);
    }

    /// @inheritdoc ISettlement
    function bond() external payable {
        require(msg.value == _proposerBondWei, WrongValue(msg.value, _proposerBondWei));
        _activate(msg.sender);
    }

    /// @inheritdoc ISettlement
    function requestExit() external {
        ProposerRecord memory record = _records[msg.sender].toProposer();
        _requireState(msg.sender, record, ProposerState.Active);
        _beginExit(msg.sender, record);
    }

    /// @inheritdoc ISettlement
    function exit() external {
        ProposerRecord memory record = _records[msg.sender].toProposer();
        _requireState(msg.sender, record, ProposerState.Exiting);
        uint256 earliest = _exitableAt(record);
        require(block.number >= earliest, ExitTooEarly(block.number, earliest));
        // Beyond this height nothing of the proposer's can be judged any more, so there is nothing left to be liable for.
        uint64 lastOpen = _lastOpenNumber(record.lastNumber);
        uint64 finalNumber = _finalNumber();
        require(finalNumber >= lastOpen, ProposalsNotFinal(finalNumber, lastOpen));

        record.state = ProposerState.None;
        _records[msg.sender] = record.pack();
        _credit(msg.sender, _proposerBondWei);
        emit ProposerExited(msg.sender, _proposerBondWei);
    }

    /// @inheritdoc ISettlement
    function proposerInfo(address proposer) external view returns (ProposerInfo memory) {
        ProposerRecord memory record = _records[proposer].toProposer();
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
        ProposerRecord memory record = _records[proposer].toProposer();
        _requireState(proposer, record, ProposerState.Active);
        record.lastNumber = uint40(number);
        record.lastProposedAt = uint40(block.number);
        _records[proposer] = record.pack();
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
        ProposerRecord memory record = _records[proposer].toProposer();
        slashed = _hasBond(record.state);
        record.state = ProposerState.Jailed;
        _records[proposer] = record.pack();
        if (!slashed) return false;

        uint256 burnWei = _proposerBondWei - challengerWei - proverWei;
        emit ProposerSlashed(proposer, _proposerBondWei, challengerWei, proverWei, burnWei);
        _credit(prover, proverWei);
        _burn(burnWei);
    }

    function _stateOf(address proposer) internal view returns (ProposerState) {
        return _records[proposer].toProposer().state;
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
        ProposerRecord memory record = _records[proposer].toProposer();
        _requireState(proposer, record, ProposerState.None);
        if (record.id == 0) {
            require(_proposers.length < MAX_PROPOSERS, TooManyProposers(MAX_PROPOSERS));
            _proposers.push(proposer);
            record.id = uint32(_proposers.length);
        }
        record.state = ProposerState.Allowed;
        _records[proposer] = record.pack();
        emit ProposerAllowed(proposer);
    }

    function _activate(address proposer) private {
        ProposerRecord memory record = _records[proposer].toProposer();
        _requireState(proposer, record, ProposerState.Allowed);
        record.state = ProposerState.Active;
        _records[proposer] = record.pack();
        emit ProposerBonded(proposer, _proposerBondWei);
    }

    function _beginExit(address proposer, ProposerRecord memory record) private {
        record.state = ProposerState.Exiting;
        record.exitRequestedAt = uint40(block.number);
        _records[proposer] = record.pack();
        emit ExitRequested(proposer, uint64(_exitableAt(record)));
    }

    /// @dev First block at which no challenge of the proposer's blocks can be waiting for its answer.
    function _exitableAt(ProposerRecord memory record) private view returns (uint256) {
        return
            Math.max(record.exitRequestedAt, record.lastProposedAt) + _challengePeriodBlocks + _proverPeriodBlocks + 1;
    }

    function _requireState(address proposer, ProposerRecord memory record, ProposerState expected) private pure {
        require(record.state == expected, WrongProposerState(proposer, record.state, expected));
    }
}
