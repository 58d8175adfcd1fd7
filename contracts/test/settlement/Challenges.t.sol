// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { ISettlementEvents } from "../../src/interfaces/ISettlementEvents.sol";
import { Claim, SettlementFixture } from "./base/SettlementFixture.sol";

/// @dev Opening challenges, and what becomes of them.
contract ChallengesTest is SettlementFixture {
    Claim private claim;

    function setUp() public override {
        super.setUp();
        _setTruth(1, X);
        claim = _proposeClaim(PROPOSER, _statement(1, Y));
    }

    function test_challengeShowsAllThatAProofTakes() public {
        uint64 deadline = uint64(FIRST_SETTLEMENT_BLOCK + rules.proverPeriodBlocks);
        vm.expectEmit(address(settlement));
        emit ISettlementEvents.ClaimChallenged(
            claim.id,
            claim.key.blockHash,
            CHALLENGER,
            REFUTE,
            deadline,
            0,
            0,
            keccak256(abi.encode(claim.statement)),
            claim.statement.programId,
            claim.statement.inputCommitment,
            1_000_000,
            claim.statement.outcomeHash
        );
        _refute(CHALLENGER, claim);

        ISettlement.ChallengeInfo memory info =
            settlement.challengeInfo(settlement.challengeId(claim.id, CHALLENGER, REFUTE));
        vm.assertTrue(info.state == ISettlement.ChallengeState.Open);
        vm.assertEq(info.number, 1);
        vm.assertEq(info.deadlineBlock, deadline);
        vm.assertEq(settlement.blockInfo(claim.key.blockHash).openRefutes, 1);
        vm.assertEq(settlement.blockInfo(claim.key.blockHash).pausedUntilBlock, deadline);
        vm.assertEq(settlement.claimIdOf(claim.key), claim.id);
    }

    function test_challengeCostsExactlyItsBond() public {
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        uint256[4] memory wrong =
            [0, uint256(rules.refuteBondWei) - 1, uint256(rules.refuteBondWei) + 1, rules.demandBondWei];
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(ISettlementErrors.WrongValue.selector, wrong[i], rules.refuteBondWei)
            );
            vm.prank(CHALLENGER);
            settlement.challenge{ value: wrong[i] }(evidence, REFUTE);
        }
    }

    function test_sameChallengeIsMadeOnce() public {
        _refute(CHALLENGER, claim);
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        bytes32 id = settlement.challengeId(claim.id, CHALLENGER, REFUTE);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.ChallengeExists.selector, id));
        vm.prank(CHALLENGER);
        settlement.challenge{ value: rules.refuteBondWei }(evidence, REFUTE);

        _demand(CHALLENGER, claim);
        _refute(OTHER_CHALLENGER, claim);
        vm.assertEq(settlement.claimInfo(claim.id).challenges, 3);
    }

    function test_challengePeriodEnds() public {
        vm.roll(FIRST_SETTLEMENT_BLOCK + rules.challengePeriodBlocks);
        _refute(CHALLENGER, claim);
        _passBlocks(1);
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.ChallengePeriodOver.selector,
                FIRST_SETTLEMENT_BLOCK + rules.challengePeriodBlocks + 1,
                FIRST_SETTLEMENT_BLOCK + rules.challengePeriodBlocks
            )
        );
        vm.prank(OTHER_CHALLENGER);
        settlement.challenge{ value: rules.refuteBondWei }(evidence, REFUTE);
    }

    function test_finalBlockIsNotChallenged() public {
        _passBlocks(rules.challengePeriodBlocks + 1);
        vm.assertEq(settlement.finalize(10), 1);
        _expectWrongBlockState(ISettlement.BlockState.Final);
    }

    function test_invalidatedBlockIsNotChallenged() public {
        _proveUnchallenged(PROVER, claim, X);
        _expectWrongBlockState(ISettlement.BlockState.Dropped);
    }

    function test_unknownBlockIsNotChallenged() public {
        settlement = _deploy(rules);
        _expectWrongBlockState(ISettlement.BlockState.Unknown);
    }

    function test_confirmedClaimIsNotChallenged() public {
        _setTruth(1, Y);
        _proveUnchallenged(PROVER, claim, Y);
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.ClaimIsDecided.selector, claim.id, ISettlement.ClaimState.Confirmed
            )
        );
        vm.prank(CHALLENGER);
        settlement.challenge{ value: rules.demandBondWei }(evidence, DEMAND);
    }

    function test_challengeHoldsFinalityOfItsBlockUntilItsDeadline() public {
        vm.roll(FIRST_SETTLEMENT_BLOCK + rules.challengePeriodBlocks);
        _refute(CHALLENGER, claim);
        _passBlocks(rules.proverPeriodBlocks);
        vm.assertEq(settlement.finalize(10), 0);
        // Nobody has to close the refute: its deadline alone ends the pause, so delaying costs a bond per delay.
        _passBlocks(1);
        vm.assertEq(settlement.finalize(10), 1);
        _expire(claim, CHALLENGER, REFUTE);
        vm.assertTrue(_challengeState(claim, CHALLENGER, REFUTE) == ISettlement.ChallengeState.Expired);
        vm.assertEq(settlement.burnedWei(), rules.refuteBondWei);
    }

    function test_decidedRefuteHoldsFinalityNoMore() public {
        _setTruth(1, Y);
        _passBlocks(rules.challengePeriodBlocks);
        _refute(CHALLENGER, claim);
        _refute(OTHER_CHALLENGER, claim);
        _demand(OTHER_CHALLENGER, claim);
        _passBlocks(1);
        vm.assertEq(settlement.finalize(10), 0);
        _prove(PROVER, claim, Y);
        vm.assertEq(settlement.finalize(10), 1);
        _settle(claim, CHALLENGER, REFUTE);
        _settle(claim, OTHER_CHALLENGER, REFUTE);
        _settle(claim, OTHER_CHALLENGER, DEMAND);
        vm.assertEq(_balance(PROVER) + _balance(PROPOSER), 2 * uint256(rules.refuteBondWei) + rules.demandBondWei);
        vm.assertEq(_balance(CHALLENGER) + _balance(OTHER_CHALLENGER), 0);
    }

    function test_lapsedDemandHoldsFinalityUntilItIsExpired() public {
        _demand(CHALLENGER, claim);
        _passBlocks(1000);
        vm.assertEq(settlement.finalize(10), 0);
        _expire(claim, CHALLENGER, DEMAND);
        vm.assertTrue(_blockState(claim) == ISettlement.BlockState.Dropped);
    }

    function test_expiredRefuteConfirmsNothing() public {
        _refute(CHALLENGER, claim);
        _refute(OTHER_CHALLENGER, claim);
        _passBlocks(rules.proverPeriodBlocks + 1);
        _expire(claim, CHALLENGER, REFUTE);
        vm.assertTrue(_state(claim) == ISettlement.ClaimState.Challenged);
        vm.assertEq(settlement.claimInfo(claim.id).openRefutes, 1);
        // The block is not final yet, and the truth still fells it. The bonds are lost, since both came to nothing in time.
        _prove(PROVER, claim, X);
        _settle(claim, OTHER_CHALLENGER, REFUTE);
        vm.assertTrue(_challengeState(claim, OTHER_CHALLENGER, REFUTE) == ISettlement.ChallengeState.Expired);
        vm.assertEq(_balance(CHALLENGER) + _balance(OTHER_CHALLENGER), 0);
        vm.assertEq(_balance(PROVER), _shareWei(uint256(rules.challengerShareBps) + rules.proverShareBps));
    }

    function test_deadlineIsTheLastBlock() public {
        _demand(CHALLENGER, claim);
        _passBlocks(rules.proverPeriodBlocks);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.DeadlineNotPassed.selector, vm.getBlockNumber(), vm.getBlockNumber() + 1
            )
        );
        _expire(claim, CHALLENGER, DEMAND);
        _setTruth(1, Y);
        _prove(PROVER, claim, Y);
        vm.assertTrue(_state(claim) == ISettlement.ClaimState.Confirmed);
    }

    function test_challengesThatAreNotOpenAreNotClosed() public {
        bytes32 id = settlement.challengeId(claim.id, CHALLENGER, DEMAND);
        bytes memory none =
            abi.encodeWithSelector(ISettlementErrors.ChallengeNotOpen.selector, id, ISettlement.ChallengeState.None);
        vm.expectRevert(none);
        _expire(claim, CHALLENGER, DEMAND);
        vm.expectRevert(none);
        _settle(claim, CHALLENGER, DEMAND);

        _demand(CHALLENGER, claim);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.NothingToSettle.selector, claim.id));
        _settle(claim, CHALLENGER, DEMAND);
        _passBlocks(rules.proverPeriodBlocks + 1);
        _expire(claim, CHALLENGER, DEMAND);
        bytes memory won =
            abi.encodeWithSelector(ISettlementErrors.ChallengeNotOpen.selector, id, ISettlement.ChallengeState.Won);
        vm.expectRevert(won);
        _expire(claim, CHALLENGER, DEMAND);
        vm.expectRevert(won);
        _settle(claim, CHALLENGER, DEMAND);
    }

    function test_decidedClaimIsSettledNotExpired() public {
        _demand(CHALLENGER, claim);
        _refute(OTHER_CHALLENGER, claim);
        _prove(PROVER, claim, X);
        _passBlocks(rules.proverPeriodBlocks + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongClaimState.selector,
                claim.id,
                ISettlement.ClaimState.Refuted,
                ISettlement.ClaimState.Challenged
            )
        );
        _expire(claim, CHALLENGER, DEMAND);
        _settle(claim, CHALLENGER, DEMAND);
        _settle(claim, OTHER_CHALLENGER, REFUTE);
        vm.assertEq(_balance(CHALLENGER), rules.demandBondWei + _shareWei(rules.challengerShareBps));
        vm.assertEq(_balance(OTHER_CHALLENGER), rules.refuteBondWei);
    }

    /// @dev The verdict of a lapse is of the block after the deadline, whenever someone says so.
    function test_lateExpiryIsFairToOtherChallengers() public {
        _demand(CHALLENGER, claim);
        _passBlocks(rules.challengePeriodBlocks);
        _refute(OTHER_CHALLENGER, claim);
        _passBlocks(10_000);
        _expire(claim, CHALLENGER, DEMAND);
        vm.assertEq(settlement.claimInfo(claim.id).verdictBlock, FIRST_SETTLEMENT_BLOCK + rules.proverPeriodBlocks + 1);
        _settle(claim, OTHER_CHALLENGER, REFUTE);
        vm.assertEq(_balance(OTHER_CHALLENGER), rules.refuteBondWei);
    }

    /// @dev A liar's own refute, which lapses, keeps neither the reward from the next challenger nor the claim from falling.
    function test_lapsedRefuteDoesNotKeepTheReward() public {
        rules.proverPeriodBlocks = 10;
        settlement = _deploy(rules);
        claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _refute(PROPOSER, claim);
        _passBlocks(11);
        _demand(CHALLENGER, claim);
        _passBlocks(11);
        _expire(claim, CHALLENGER, DEMAND);
        _settle(claim, PROPOSER, REFUTE);
        vm.assertEq(_balance(PROPOSER), 0);
        vm.assertEq(_balance(CHALLENGER), rules.demandBondWei + _shareWei(rules.challengerShareBps));
    }

    /// @dev The same when the demand was made while that refute was open.
    function test_demandTakesOverFromALapsedRefute() public {
        _refute(PROPOSER, claim);
        _passBlocks(1);
        _demand(CHALLENGER, claim);
        _passBlocks(rules.proverPeriodBlocks + 1);
        _expire(claim, CHALLENGER, DEMAND);
        vm.assertEq(_balance(CHALLENGER), rules.demandBondWei + _shareWei(rules.challengerShareBps));
        _settle(claim, PROPOSER, REFUTE);
        vm.assertEq(_balance(PROPOSER), 0);
        vm.assertEq(
            settlement.burnedWei(), rules.proposerBondWei - _shareWei(rules.challengerShareBps) + rules.refuteBondWei
        );
    }

    /// @dev However many challenge one claim, the verdict costs the same.
    function test_verdictCostsTheSameForManyChallenges() public {
        for (uint160 i = 1; i <= 40; ++i) {
            vm.deal(address(i), 1 ether);
            _challenge(address(i), claim, i % 2 == 0 ? REFUTE : DEMAND);
        }
        uint256 gasBefore = gasleft();
        _prove(PROVER, claim, X);
        vm.assertLe(gasBefore - gasleft(), 150_000);
        for (uint160 i = 1; i <= 40; ++i) {
            _settle(claim, address(i), i % 2 == 0 ? REFUTE : DEMAND);
        }
        vm.assertEq(_balance(address(1)), rules.demandBondWei + _shareWei(rules.challengerShareBps));
        vm.assertEq(_balance(address(40)), rules.refuteBondWei);
    }

    function _expectWrongBlockState(ISettlement.BlockState got) private {
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.WrongBlockState.selector, claim.key.blockHash, got));
        vm.prank(CHALLENGER);
        settlement.challenge{ value: rules.demandBondWei }(evidence, DEMAND);
    }
}
