// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { Claim, SettlementFixture } from "./base/SettlementFixture.sol";

/// @dev The soundness table of `docs/protocol/arbitration.md`, cell by cell: what is true × what is claimed × what is done
/// about it. Nobody can prove anything but the truth, and of a run without an outcome nobody can prove anything.
contract SoundnessTest is SettlementFixture {
    enum Truth {
        SuccessX,
        SuccessY,
        Panicked,
        Traps,
        NeverEnds
    }

    enum Posted {
        SuccessX,
        SuccessY,
        Panicked
    }

    enum Response {
        Refute,
        Demand,
        Unchallenged,
        UnchallengedButProven
    }

    /// @dev How a cell ends: states, and who has what in the contract afterwards.
    struct End {
        ISettlement.ClaimState claim;
        ISettlement.ChallengeState challenge;
        ISettlement.BlockState block_;
        bool slashed;
        uint256 challengerWei;
        uint256 proverWei;
        uint256 proposerWei;
        uint256 burnedWei;
    }

    uint256 private constant TRUTHS = 5;
    uint256 private constant CLAIMS = 3;
    uint256 private constant RESPONSES = 4;

    function test_everyCellOfTheTable() public {
        uint256 cells;
        for (uint8 truth; truth < TRUTHS; ++truth) {
            for (uint8 posted; posted < CLAIMS; ++posted) {
                for (uint8 response; response < RESPONSES; ++response) {
                    _checkCell(Truth(truth), Posted(posted), Response(response));
                    ++cells;
                }
            }
        }
        vm.assertEq(cells, 60);
    }

    /// @dev The table itself.
    function _expected(Truth truth, Posted posted, Response response) private view returns (End memory end) {
        bool provable = truth < Truth.Traps;
        bool isTrue = uint8(truth) == uint8(posted);
        uint256 bondWei = rules.proposerBondWei;
        uint256 challengerShareWei = _shareWei(rules.challengerShareBps);
        uint256 proverShareWei = _shareWei(rules.proverShareBps);

        end.block_ = ISettlement.BlockState.Final;
        if (response == Response.Unchallenged || (response == Response.UnchallengedButProven && !provable)) {
            // One honest challenger is what it takes: nobody looked, and the claim stands, true or not.
            return end;
        }
        if (isTrue) {
            end.claim = ISettlement.ClaimState.Confirmed;
            if (response != Response.UnchallengedButProven) {
                uint256 lostWei = response == Response.Refute ? rules.refuteBondWei : rules.demandBondWei;
                end.challenge = ISettlement.ChallengeState.Lost;
                end.proverWei = lostWei * rules.proverShareOfBondBps / 10_000;
                end.proposerWei = lostWei - end.proverWei;
            }
            return end;
        }
        if (response == Response.Refute && !provable) {
            // There is no proof against a run without an outcome: this is what a demand is for.
            end.claim = ISettlement.ClaimState.Challenged;
            end.challenge = ISettlement.ChallengeState.Expired;
            end.burnedWei = rules.refuteBondWei;
            return end;
        }
        end.block_ = ISettlement.BlockState.Dropped;
        end.slashed = true;
        if (response == Response.Demand) {
            end.claim = ISettlement.ClaimState.Lapsed;
            end.challenge = ISettlement.ChallengeState.Won;
            end.challengerWei = rules.demandBondWei + challengerShareWei;
            end.burnedWei = bondWei - challengerShareWei;
        } else {
            end.claim = ISettlement.ClaimState.Refuted;
            end.burnedWei = bondWei - challengerShareWei - proverShareWei;
            if (response == Response.Refute) {
                end.challenge = ISettlement.ChallengeState.Won;
                end.challengerWei = rules.refuteBondWei + challengerShareWei;
                end.proverWei = proverShareWei;
            } else {
                end.proverWei = challengerShareWei + proverShareWei;
            }
        }
    }

    /// @dev Plays a cell on a contract of its own.
    function _checkCell(Truth truth, Posted posted, Response response) private {
        string memory cell = string(
            abi.encodePacked(
                "truth ", _digit(uint8(truth)), " claim ", _digit(uint8(posted)), " response ", _digit(uint8(response))
            )
        );
        settlement = _deploy(rules);
        _setTruth(1, _truthHash(truth));
        Claim memory claim = _proposeClaim(PROPOSER, _statement(1, _postedHash(posted)));
        End memory end = _expected(truth, posted, response);

        ISettlement.Kind kind = response == Response.Refute ? REFUTE : DEMAND;
        bool challenged = response == Response.Refute || response == Response.Demand;
        if (challenged) _challenge(CHALLENGER, claim, kind);
        bool proven = response != Response.Unchallenged && _proveWhatCanBe(claim, truth, response);
        _passBlocks(rules.proverPeriodBlocks + 1);
        if (challenged) {
            if (proven) _settle(claim, CHALLENGER, kind);
            else _expire(claim, CHALLENGER, kind);
        }
        settlement.finalize(10);

        vm.assertTrue(_state(claim) == end.claim, cell);
        vm.assertTrue(_challengeState(claim, CHALLENGER, kind) == end.challenge, cell);
        vm.assertTrue(_blockState(claim) == end.block_, cell);
        vm.assertTrue(settlement.claimInfo(claim.id).slashed == end.slashed, cell);
        vm.assertTrue((_proposerState(PROPOSER) == ISettlement.ProposerState.Jailed) == end.slashed, cell);
        vm.assertEq(_balance(CHALLENGER), end.challengerWei, cell);
        vm.assertEq(_balance(PROVER), end.proverWei, cell);
        vm.assertEq(_balance(PROPOSER), end.proposerWei, cell);
        vm.assertEq(settlement.burnedWei(), end.burnedWei, cell);
        _checkFunds(challenged ? _bondWei(kind) : 0, end, cell);
    }

    /// @dev What came in is what is there and what was burned; what is there is bonds and balances.
    function _checkFunds(uint256 challengeWei, End memory end, string memory cell) private view {
        uint256 bondWei = rules.proposerBondWei;
        uint256 cameIn = 2 * bondWei + challengeWei;
        vm.assertEq(address(settlement).balance + end.burnedWei, cameIn, cell);
        uint256 bondsWei = end.slashed ? bondWei : 2 * bondWei;
        vm.assertEq(address(settlement).balance, bondsWei + end.challengerWei + end.proverWei + end.proposerWei, cell);
    }

    /// @dev Tries to prove every outcome. Only the truth can be. When it would refute a claim that is under demand, nobody
    /// does, so that the demand decides by itself.
    function _proveWhatCanBe(Claim memory claim, Truth truth, Response response) private returns (bool proven) {
        for (uint8 other; other < CLAIMS; ++other) {
            if (other != uint8(truth)) _expectNoProof(claim, _postedHash(Posted(other)), response);
        }
        bytes32 truthHash = _truthHash(truth);
        bool leftToTheDemand = response == Response.Demand && truthHash != claim.statement.outcomeHash;
        if (truthHash == 0 || leftToTheDemand) return false;
        if (response == Response.UnchallengedButProven) _proveUnchallenged(PROVER, claim, truthHash);
        else _prove(PROVER, claim, truthHash);
        return true;
    }

    function _expectNoProof(Claim memory claim, bytes32 outcomeHash, Response response) private {
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.ProofRejected.selector, outcomeHash));
        vm.prank(PROVER);
        if (response == Response.UnchallengedButProven) {
            settlement.proveUnchallenged(evidence, outcomeHash, PROOF);
        } else {
            settlement.prove(claim.key, claim.statement, outcomeHash, PROOF);
        }
    }

    function _truthHash(Truth truth) private pure returns (bytes32) {
        return truth < Truth.Traps ? _postedHash(Posted(uint8(truth))) : bytes32(0);
    }

    function _postedHash(Posted posted) private pure returns (bytes32) {
        bytes32[3] memory hashes = [X, Y, PANIC];
        return hashes[uint8(posted)];
    }

    function _digit(uint8 value) private pure returns (bytes1) {
        return bytes1(uint8(bytes1("0")) + value);
    }
}
