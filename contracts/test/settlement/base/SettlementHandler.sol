// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../../src/interfaces/ISettlement.sol";
import { Settlement } from "../../../src/settlement/Settlement.sol";
import { MockProofVerifier } from "../mocks/MockProofVerifier.sol";
import { ExecutionBlock } from "./ExecutionBlocks.sol";
import { Claim, SettlementFixture } from "./SettlementFixture.sol";

/// @dev Makes calls that forge chooses, as proposers honest and lying, challengers, provers and bystanders, and keeps
/// account of what they did. Whatever is refused is refused; whatever goes through must leave the invariants standing.
contract SettlementHandler is SettlementFixture {
    struct Opened {
        uint256 claim;
        address challenger;
        ISettlement.Kind kind;
    }

    uint256 private constant MAX_CLAIMS_PER_BLOCK = 3;
    uint256 private constant CHALLENGERS = 4;
    uint256 private constant LIARS = 4;
    uint256 private constant ACCOUNTS = 9;

    Claim[] private claims;
    Opened[] private opened;
    bytes32[] private proposed;
    mapping(bytes32 blockHash => bool) private wasFinal;
    mapping(bytes32 blockHash => bool) private wasDropped;

    /// @dev What came into the contract and what was taken out of it.
    uint256 public paidInWei;
    uint256 public paidOutWei;

    /// @dev How many blocks were final before their time.
    uint256 public finalEarly;

    /// @dev A block that was final or dropped is not any more.
    bool public sawComeback;

    constructor(Settlement settlement_, MockProofVerifier verifier_, ISettlement.Parameters memory rules_) {
        settlement = settlement_;
        verifier = verifier_;
        rules = rules_;
        paidInWei = address(settlement_).balance;
    }

    function setUp() public override { }

    /// @dev The honest proposer's claims are all true. So are those of jobs with an outcome that the other one is lucky with.
    function proposeHonestly(uint256 count, uint256 jobs) external {
        count = 1 + count % MAX_CLAIMS_PER_BLOCK;
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](count);
        for (uint256 i; i < count; ++i) {
            uint256 job = uint256(keccak256(abi.encode(jobs, i)));
            statements[i] = _statement(job, X);
            _setTruth(job, X);
        }
        if (_proposerState(PROPOSER) != ISettlement.ProposerState.Active) return;
        _remember(_proposeClaims(PROPOSER, statements));
    }

    /// @dev Another proposer posts one true claim, and one that is false: another outcome is true, or none.
    function proposeALie(uint256 who, uint256 jobs, bool provable, bool trueFirst) external {
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](2);
        uint256 job = uint256(keccak256(abi.encode(jobs, "lie")));
        statements[trueFirst ? 0 : 1] = _statement(job, X);
        statements[trueFirst ? 1 : 0] = _statement(job + 1, Y);
        _setTruth(job, X);
        if (provable) _setTruth(job + 1, X);
        if (_proposerState(_liar(who)) != ISettlement.ProposerState.Active) return;
        _remember(_proposeClaims(_liar(who), statements));
    }

    function challenge(uint256 which, uint256 who, bool demands) external {
        if (claims.length == 0) return;
        uint256 index = _recent(which);
        ISettlement.Kind kind = demands ? DEMAND : REFUTE;
        // Proposers challenge, too, others and themselves.
        address[CHALLENGERS] memory accounts = [CHALLENGER, OTHER_CHALLENGER, PROPOSER, OTHER_PROPOSER];
        address challenger = accounts[who % CHALLENGERS];
        uint256 bondWei = _bondWei(kind);
        ISettlement.ClaimEvidence memory evidence = _evidence(claims[index]);
        vm.deal(challenger, bondWei);
        vm.prank(challenger);
        try settlement.challenge{ value: bondWei }(evidence, kind) {
            paidInWei += bondWei;
            opened.push(Opened({ claim: index, challenger: challenger, kind: kind }));
        } catch { }
    }

    /// @dev Anyone proves, challenged or not; the honest proposer's claims before a demand for them lapses, since it
    /// watches (`passBlocks`).
    function prove(uint256 which, bool withEvidence, bool wrongly) external {
        if (claims.length == 0) return;
        _proveAny(claims[_recent(which)], withEvidence, wrongly ? Y : X);
    }

    function expire(uint256 which) external {
        if (opened.length == 0) return;
        Opened memory one = opened[which % opened.length];
        try settlement.expire(claims[one.claim].key, one.challenger, one.kind) { } catch { }
    }

    function settle(uint256 which) external {
        if (opened.length == 0) return;
        Opened memory one = opened[which % opened.length];
        try settlement.settleChallenge(claims[one.claim].key, one.challenger, one.kind) { } catch { }
    }

    function finalize(uint256 count) external {
        settlement.finalize(count % 4);
    }

    /// @dev A volunteer proves what is true of the next block, and shows that it was all, if it was.
    function finalizeEarly() external {
        bytes32 next = settlement.canonicalHash(settlement.finalizedNumber() + 1);
        for (uint256 i; i < claims.length; ++i) {
            Claim memory claim = claims[i];
            if (claim.key.blockHash != next) continue;
            _proveAny(claim, true, X);
            try settlement.finalizeProven(claim.executionBlock.header, claim.executionBlock.receipts) {
                ++finalEarly;
            } catch { }
        }
    }

    function depart(uint256 who, bool asks) external {
        vm.prank(_liar(who));
        if (asks) try settlement.requestExit() { } catch { } else try settlement.exit() { } catch { }
    }

    function join(uint256 who) public {
        uint256 bondWei = rules.proposerBondWei;
        vm.prank(OWNER);
        try settlement.allow(_liar(who)) { } catch { }
        vm.deal(_liar(who), bondWei);
        vm.prank(_liar(who));
        try settlement.bond{ value: bondWei }() {
            paidInWei += bondWei;
        } catch { }
    }

    function withdraw(uint256 who, uint256 amountWei) external {
        address account = _account(who);
        amountWei %= settlement.balanceOf(account) + 1;
        vm.prank(account);
        settlement.withdraw(payable(address(0xFEED)), amountWei);
        paidOutWei += amountWei;
    }

    /// @dev Time passes; before it does, the honest proposer answers demands that would lapse.
    function passBlocks(uint256 count) external {
        count = 1 + count % 20;
        for (uint256 i; i < claims.length; ++i) {
            if (settlement.blockInfo(claims[i].key.blockHash).proposer != PROPOSER) continue;
            uint256 deadline = settlement.claimInfo(claims[i].id).demandDeadlineBlock;
            if (deadline != 0 && deadline < vm.getBlockNumber() + count) _proveAny(claims[i], false, X);
        }
        _passBlocks(count);
    }

    /// @dev Called after every step: notes what is final and what is gone, and whether either came back.
    function look() external {
        for (uint256 i; i < proposed.length; ++i) {
            ISettlement.BlockState state = settlement.blockInfo(proposed[i]).state;
            if (wasFinal[proposed[i]] && state != ISettlement.BlockState.Final) sawComeback = true;
            if (wasDropped[proposed[i]] && state != ISettlement.BlockState.Dropped) sawComeback = true;
            wasFinal[proposed[i]] = state == ISettlement.BlockState.Final;
            wasDropped[proposed[i]] = state == ISettlement.BlockState.Dropped;
        }
    }

    /// @dev What the contract owes: bonds, bonds of open challenges, rewards not fetched, balances.
    function owedWei() external view returns (uint256 sumWei) {
        for (uint256 i; i < ACCOUNTS; ++i) {
            sumWei += settlement.balanceOf(_account(i)) + settlement.proposerInfo(_account(i)).bondWei;
        }
        for (uint256 i; i < opened.length; ++i) {
            Claim memory claim = claims[opened[i].claim];
            ISettlement.ChallengeInfo memory info =
                settlement.challengeInfo(settlement.challengeId(claim.id, opened[i].challenger, opened[i].kind));
            if (info.state != ISettlement.ChallengeState.Open) continue;
            sumWei += _bondWei(opened[i].kind);
            ISettlement.ClaimInfo memory decided = settlement.claimInfo(claim.id);
            if (decided.slashed && decided.leader == info.number) sumWei += _shareWei(rules.challengerShareBps);
        }
    }

    /// @dev Whether every block of the chain names the one below it, and its records agree with the chain.
    function chainIsConsistent() external view returns (bool) {
        ISettlement.Tip memory tip = settlement.tip();
        if (settlement.finalizedNumber() > tip.number) return false;
        for (uint64 number = GENESIS_NUMBER; number <= tip.number; ++number) {
            bytes32 hash = settlement.canonicalHash(number);
            ISettlement.BlockInfo memory info = settlement.blockInfo(hash);
            bool final_ = number <= settlement.finalizedNumber();
            if (hash == 0 || info.number != number) return false;
            if (info.state != (final_ ? ISettlement.BlockState.Final : ISettlement.BlockState.Proposed)) return false;
        }
        return settlement.canonicalHash(tip.number + 1) == 0 && settlement.canonicalHash(tip.number) == tip.hash;
    }

    /// @dev No block in the chain has a claim that was decided to be false; no claim is decided against the truth.
    function verdictsAreTrue() external view returns (bool) {
        for (uint256 i; i < claims.length; ++i) {
            ISettlement.ClaimState state = settlement.claimInfo(claims[i].id).state;
            bool isTrue = claims[i].statement.outcomeHash == X;
            if (state == ISettlement.ClaimState.Confirmed && !isTrue) return false;
            if (state == ISettlement.ClaimState.Refuted && isTrue) return false;
            bool fell = state == ISettlement.ClaimState.Refuted || state == ISettlement.ClaimState.Lapsed;
            bool dropped = settlement.blockInfo(claims[i].key.blockHash).state == ISettlement.BlockState.Dropped;
            if (fell && !dropped) return false;
        }
        return true;
    }

    /// @dev How many claims are in a state, and how many blocks.
    function tally(ISettlement.ClaimState claimState, ISettlement.BlockState blockState)
        external
        view
        returns (uint256 inClaims, uint256 inBlocks)
    {
        for (uint256 i; i < claims.length; ++i) {
            if (settlement.claimInfo(claims[i].id).state == claimState) ++inClaims;
        }
        for (uint256 i; i < proposed.length; ++i) {
            if (settlement.blockInfo(proposed[i]).state == blockState) ++inBlocks;
        }
    }

    function honestProposerIsFree() external view returns (bool) {
        return _proposerState(PROPOSER) == ISettlement.ProposerState.Active;
    }

    function _proveAny(Claim memory claim, bool withEvidence, bytes32 outcomeHash) private {
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.prank(PROVER);
        if (withEvidence) {
            try settlement.proveUnchallenged(evidence, outcomeHash, PROOF) { } catch { }
        } else {
            try settlement.prove(claim.key, claim.statement, outcomeHash, PROOF) { } catch { }
        }
    }

    function _remember(Claim[] memory added) private {
        for (uint256 i; i < added.length; ++i) {
            claims.push(added[i]);
        }
        proposed.push(added[0].key.blockHash);
    }

    /// @dev One of the newest claims: older ones are final or gone.
    function _recent(uint256 which) private view returns (uint256) {
        uint256 window = claims.length < 8 ? claims.length : 8;
        return claims.length - 1 - which % window;
    }

    function _account(uint256 which) private view returns (address) {
        address[5] memory accounts = [PROPOSER, CHALLENGER, OTHER_CHALLENGER, PROVER, OWNER];
        which %= ACCOUNTS;
        return which < 5 ? accounts[which] : _liar(which - 5);
    }

    function _liar(uint256 which) private view returns (address) {
        which %= LIARS;
        return which == 0 ? OTHER_PROPOSER : address(uint160(0x11A0 + which));
    }
}
