// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IProofVerifier } from "../../src/interfaces/IProofVerifier.sol";
import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { ISettlementEvents } from "../../src/interfaces/ISettlementEvents.sol";
import { Predeploys } from "../../src/Predeploys.sol";
import { Settlement } from "../../src/settlement/Settlement.sol";
import { Claim, SettlementFixture } from "./base/SettlementFixture.sol";
import { MockProofVerifier } from "./mocks/MockProofVerifier.sol";

/// @dev Proofs, their verdicts, and verdicts that meet.
contract ProofsTest is SettlementFixture {
    Claim private claim;

    function setUp() public override {
        super.setUp();
        _setTruth(1, X);
        _setTruth(2, X);
    }

    function test_proofOfATrueClaimPaysProverAndProposer() public {
        claim = _proposeClaim(PROPOSER, _statement(1, X));
        _demand(CHALLENGER, claim);
        vm.expectEmit(address(settlement));
        emit ISettlementEvents.ClaimDecided(claim.id, claim.key.blockHash, PROVER, ISettlement.ClaimState.Confirmed, X);
        _prove(PROVER, claim, X);
        vm.expectEmit(address(settlement));
        emit ISettlementEvents.ChallengeClosed(claim.id, CHALLENGER, DEMAND, ISettlement.ChallengeState.Lost, 0);
        _settle(claim, CHALLENGER, DEMAND);
        uint256 proverWei = uint256(rules.demandBondWei) * rules.proverShareOfBondBps / 10_000;
        vm.assertEq(_balance(PROVER), proverWei);
        vm.assertEq(_balance(PROPOSER), rules.demandBondWei - proverWei);
    }

    function test_proofOfAFalseClaimSlashes() public {
        claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _refute(CHALLENGER, claim);
        uint256 challengerWei = _shareWei(rules.challengerShareBps);
        uint256 proverWei = _shareWei(rules.proverShareBps);
        vm.expectEmit(address(settlement));
        emit ISettlementEvents.ProposerSlashed(
            PROPOSER, rules.proposerBondWei, challengerWei, proverWei, rules.proposerBondWei - challengerWei - proverWei
        );
        _prove(PROVER, claim, X);
        _settle(claim, CHALLENGER, REFUTE);
        vm.assertEq(_balance(CHALLENGER), rules.refuteBondWei + challengerWei);
        vm.assertEq(_balance(PROVER), proverWei);
        vm.assertEq(address(0).balance, rules.proposerBondWei - challengerWei - proverWei);
        vm.assertEq(settlement.proposerInfo(PROPOSER).bondWei, 0);
    }

    function test_claimIsDecidedOnce() public {
        claim = _proposeClaim(PROPOSER, _statement(1, X));
        _refute(CHALLENGER, claim);
        _prove(PROVER, claim, X);
        bytes memory decided = abi.encodeWithSelector(
            ISettlementErrors.ClaimIsDecided.selector, claim.id, ISettlement.ClaimState.Confirmed
        );
        vm.expectRevert(decided);
        _prove(OTHER_CHALLENGER, claim, X);
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.expectRevert(decided);
        settlement.proveUnchallenged(evidence, X, PROOF);
        _settle(claim, CHALLENGER, REFUTE);
        vm.assertEq(_balance(OTHER_CHALLENGER), 0);
    }

    /// @dev A proof is of a statement: it shows nothing about another job, and nothing twice.
    function test_proofOfAnotherStatementIsRefused() public {
        claim = _proposeClaim(PROPOSER, _statement(1, X));
        _demand(CHALLENGER, claim);
        ISettlement.Statement memory other = _statement(2, X);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.StatementMismatch.selector,
                claim.id,
                keccak256(abi.encode(other)),
                claim.key.statementHash
            )
        );
        settlement.prove(claim.key, other, X, PROOF);

        // A key made to fit names a claim that nobody has shown.
        ISettlement.ClaimKey memory forged = claim.key;
        forged.statementHash = keccak256(abi.encode(other));
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongClaimState.selector,
                keccak256(abi.encode(forged)),
                ISettlement.ClaimState.Unknown,
                ISettlement.ClaimState.Challenged
            )
        );
        settlement.prove(forged, other, X, PROOF);
    }

    function test_proofOfAnUnchallengedClaimNeedsEvidence() public {
        claim = _proposeClaim(PROPOSER, _statement(1, X));
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongClaimState.selector,
                claim.id,
                ISettlement.ClaimState.Unknown,
                ISettlement.ClaimState.Challenged
            )
        );
        _prove(PROVER, claim, X);
        _proveUnchallenged(PROVER, claim, X);
        vm.assertTrue(_state(claim) == ISettlement.ClaimState.Confirmed);
    }

    function test_badProofIsRefusedWithTheVerifiersWords() public {
        claim = _proposeClaim(PROPOSER, _statement(1, X));
        _demand(CHALLENGER, claim);
        bytes[3] memory bad = [bytes(""), bytes("proo"), bytes("proof and more")];
        for (uint256 i; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(MockProofVerifier.NotAProof.selector, bad[i].length));
            settlement.prove(claim.key, claim.statement, X, bad[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.ProofRejected.selector, Y));
        settlement.prove(claim.key, claim.statement, Y, PROOF);
    }

    function test_proofAfterFinalityIsRefused() public {
        claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _passBlocks(rules.challengePeriodBlocks + 1);
        settlement.finalize(1);
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongBlockState.selector, claim.key.blockHash, ISettlement.BlockState.Final
            )
        );
        settlement.proveUnchallenged(evidence, X, PROOF);
    }

    function test_proofOfATrueClaimAfterALapsedDemandIsRefused() public {
        claim = _proposeClaim(PROPOSER, _statement(1, X));
        _demand(CHALLENGER, claim);
        _passBlocks(rules.proverPeriodBlocks + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.DemandLapsed.selector, claim.id, FIRST_SETTLEMENT_BLOCK + rules.proverPeriodBlocks
            )
        );
        _prove(PROVER, claim, X);
        _expire(claim, CHALLENGER, DEMAND);
        vm.assertTrue(_state(claim) == ISettlement.ClaimState.Lapsed);
    }

    /// @dev Two provers race with one proof: the first is paid, the second has lost nothing but gas.
    function test_secondProverGetsNothing() public {
        claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _refute(CHALLENGER, claim);
        _prove(PROVER, claim, X);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongBlockState.selector, claim.key.blockHash, ISettlement.BlockState.Dropped
            )
        );
        _prove(OTHER_CHALLENGER, claim, X);
        vm.assertEq(_balance(PROVER), _shareWei(rules.proverShareBps));
        vm.assertEq(_balance(OTHER_CHALLENGER), 0);
    }

    /// @dev One claim of a block falls; a challenge of another one of it is moot, right or wrong.
    function test_twoClaimsOfOneBlock() public {
        (Claim memory bad, Claim memory good) = _proposeClaims(PROPOSER, _statement(1, Y), _statement(2, X));
        _refute(CHALLENGER, bad);
        _demand(OTHER_CHALLENGER, good);
        _prove(PROVER, bad, X);
        _settle(good, OTHER_CHALLENGER, DEMAND);
        vm.assertTrue(_challengeState(good, OTHER_CHALLENGER, DEMAND) == ISettlement.ChallengeState.Moot);
        vm.assertEq(_balance(OTHER_CHALLENGER), rules.demandBondWei);
        _expectDropped(good);
    }

    /// @dev The other way round: one claim is confirmed, then the other falls. The confirmed one's challenger has lost.
    function test_twoClaimsOfOneBlockInTheOtherOrder() public {
        (Claim memory bad, Claim memory good) = _proposeClaims(PROPOSER, _statement(1, Y), _statement(2, X));
        _refute(CHALLENGER, bad);
        _demand(OTHER_CHALLENGER, good);
        _prove(PROVER, good, X);
        _prove(PROVER, bad, X);
        _settle(good, OTHER_CHALLENGER, DEMAND);
        vm.assertTrue(_challengeState(good, OTHER_CHALLENGER, DEMAND) == ISettlement.ChallengeState.Lost);
        vm.assertEq(_balance(OTHER_CHALLENGER), 0);
        vm.assertTrue(_blockState(good) == ISettlement.BlockState.Dropped);
    }

    /// @dev Claims of parent and child, both false, of two proposers: child first, both pay.
    function test_childThenParent() public {
        Claim memory parent = _proposeClaim(PROPOSER, _statement(1, Y));
        Claim memory child = _proposeClaim(OTHER_PROPOSER, _statement(2, Y));
        _refute(CHALLENGER, parent);
        _refute(CHALLENGER, child);
        _prove(PROVER, child, X);
        vm.assertEq(settlement.tip().hash, parent.key.blockHash);
        _prove(PROVER, parent, X);
        vm.assertEq(settlement.tip().hash, GENESIS_HASH);
        _settle(parent, CHALLENGER, REFUTE);
        _settle(child, CHALLENGER, REFUTE);
        vm.assertEq(_balance(CHALLENGER), 2 * (uint256(rules.refuteBondWei) + _shareWei(rules.challengerShareBps)));
        vm.assertTrue(_proposerState(OTHER_PROPOSER) == ISettlement.ProposerState.Jailed);
    }

    /// @dev Parent first: the child is gone with it, and what was said of it is moot.
    function test_parentThenChild() public {
        Claim memory parent = _proposeClaim(PROPOSER, _statement(1, Y));
        Claim memory child = _proposeClaim(OTHER_PROPOSER, _statement(2, Y));
        _refute(CHALLENGER, parent);
        _refute(CHALLENGER, child);
        _demand(CHALLENGER, child);
        _prove(PROVER, parent, X);
        _expectDropped(child);
        _passBlocks(rules.proverPeriodBlocks + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongBlockState.selector, child.key.blockHash, ISettlement.BlockState.Dropped
            )
        );
        _expire(child, CHALLENGER, DEMAND);
        _settle(child, CHALLENGER, REFUTE);
        _settle(child, CHALLENGER, DEMAND);
        _settle(parent, CHALLENGER, REFUTE);
        vm.assertEq(
            _balance(CHALLENGER),
            2 * uint256(rules.refuteBondWei) + rules.demandBondWei + _shareWei(rules.challengerShareBps)
        );
        vm.assertTrue(_proposerState(OTHER_PROPOSER) == ISettlement.ProposerState.Active);
    }

    /// @dev A proposer has one bond: its second false block falls, too, but pays nobody.
    function test_secondFalseBlockPaysNothing() public {
        Claim memory first = _proposeClaim(PROPOSER, _statement(1, Y));
        Claim memory second = _proposeClaim(PROPOSER, _statement(2, Y));
        _refute(CHALLENGER, second);
        _refute(OTHER_CHALLENGER, first);
        _prove(PROVER, second, X);
        _prove(PROVER, first, X);
        _settle(second, CHALLENGER, REFUTE);
        _settle(first, OTHER_CHALLENGER, REFUTE);
        vm.assertEq(_balance(CHALLENGER), rules.refuteBondWei + _shareWei(rules.challengerShareBps));
        vm.assertEq(_balance(OTHER_CHALLENGER), rules.refuteBondWei);
        vm.assertEq(_balance(PROVER), _shareWei(rules.proverShareBps));
        vm.assertEq(settlement.tip().hash, GENESIS_HASH);
    }

    /// @dev Whatever the rules, whoever plays proposer, challenger and prover in one loses by it.
    function testFuzz_challengingOneselfNeverGains(
        uint128 bondWei,
        uint16 challengerBps,
        uint16 proverBps,
        bool demands,
        bool proves
    ) public {
        vm.assume(bondWei != 0 && bondWei < 1e27 && uint256(challengerBps) + proverBps < 10_000);
        rules.proposerBondWei = bondWei;
        rules.challengerShareBps = challengerBps;
        rules.proverShareBps = proverBps;
        settlement = _deploy(rules);
        claim = _proposeClaim(PROPOSER, _statement(1, Y));
        ISettlement.Kind kind = demands ? DEMAND : REFUTE;
        _challenge(PROPOSER, claim, kind);
        uint256 paidWei = uint256(bondWei) + _bondWei(kind);
        if (proves) {
            _prove(PROPOSER, claim, X);
            _settle(claim, PROPOSER, kind);
        } else {
            _passBlocks(rules.proverPeriodBlocks + 1);
            _expire(claim, PROPOSER, kind);
        }
        bool fell = proves || demands;
        uint256 backWei = _balance(PROPOSER) + settlement.proposerInfo(PROPOSER).bondWei;
        vm.assertTrue(backWei < paidWei);
        vm.assertTrue((_blockState(claim) == ISettlement.BlockState.Dropped) == fell);
    }

    function test_verifierThatIsNoneIsRefused() public {
        bytes memory yes = abi.encode(true);
        // An address with nothing behind it; one word that is no bool; too little; too much.
        _expectMisbehaved(address(0xDEAD), "", 0);
        _expectMisbehaved(address(0x10001), _returning(abi.encode(uint256(2))), 32);
        _expectMisbehaved(address(0x10002), _returning(hex"01"), 1);
        _expectMisbehaved(address(0x10003), _returning(abi.encodePacked(yes, yes)), 64);
        _expectMisbehaved(address(0x10004), hex"60006000fd", 0);
    }

    /// @dev A precompile has no code, and is called all the same. This one returns what it is given, which is no verdict;
    /// the compiler's own call would have failed before it.
    function test_verifierWithoutCodeIsCalled() public {
        _expectMisbehaved(address(4), "", 4 + 5 * 32 + 32);
    }

    function _expectMisbehaved(address verifier_, bytes memory code, uint256 returned) private {
        if (code.length != 0) vm.etch(verifier_, code);
        uint256 bondsWei = 2 * uint256(rules.proposerBondWei);
        vm.deal(address(this), bondsWei);
        settlement = new Settlement{ value: bondsWei }(
            rules, OWNER, IProofVerifier(verifier_), Predeploys.JOB_MANAGER, _genesis(), _twoProposers()
        );
        claim = _proposeClaim(PROPOSER, _statement(1, X));
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.VerifierMisbehaved.selector, verifier_, returned));
        settlement.proveUnchallenged(evidence, X, PROOF);
    }

    /// @dev Code that returns `data`, up to 64 bytes: two words are put in memory, and returned.
    function _returning(bytes memory data) private pure returns (bytes memory) {
        bytes32 first = bytes32(data);
        bytes32 second;
        if (data.length > 32) {
            assembly {
                second := mload(add(data, 0x40))
            }
        }
        return abi.encodePacked(
            hex"7f", first, hex"600052", hex"7f", second, hex"602052", hex"60", uint8(data.length), hex"6000f3"
        );
    }

    function _expectDropped(Claim memory dropped) private {
        ISettlement.ClaimEvidence memory evidence = _evidence(dropped);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongBlockState.selector, dropped.key.blockHash, ISettlement.BlockState.Dropped
            )
        );
        settlement.proveUnchallenged(evidence, X, PROOF);
    }
}
