// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ExecutionBlock, ExecutionBlocks } from "./base/ExecutionBlocks.sol";
import { RealBlock } from "./base/RealBlock.sol";

/// @dev Gas of whole transactions, the 21,000 and the calldata included: each call runs as one, in steady state. The
/// mock verifier's own gas is in the figures of proofs; it is less than 10,000.
/// forge-config: default.isolate = true
contract SettlementGasTest is RealBlock {
    using ExecutionBlocks for ExecutionBlock;

    uint256 private constant PROPOSE_GAS_GOAL = 100_000;
    uint256 private constant CHALLENGE_GAS_GOAL = 150_000;
    uint256 private constant PROVE_GAS_GOAL = 150_000;

    ISettlement.ClaimKey private key;

    function setUp() public override {
        super.setUp();
        _proposeRealBlock();
        key = _keyAt(FIRST_OF_8);
        // Accounts and the counter of what was burned exist already in steady state.
        vm.deal(address(0), 1);
    }

    function test_proposalStaysWithinGoal() public {
        // One block a settlement block, for longer than the challenge period: each proposal makes one block final.
        for (uint256 i; i < rules.challengePeriodBlocks + 2; ++i) {
            _passBlocks(1);
            _proposeEmpty(PROPOSER);
        }
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("propose, one block becomes final", used);
        vm.assertLe(used, PROPOSE_GAS_GOAL);
        vm.assertEq(settlement.finalizedNumber() + rules.challengePeriodBlocks + 1, settlement.tip().number);
    }

    function test_proposalThatCatchesUp() public {
        _passBlocks(1);
        _proposeEmpty(PROPOSER);
        _passBlocks(rules.challengePeriodBlocks + 1);
        _proposeEmpty(PROPOSER);
        vm.snapshotValue("propose, two blocks become final", vm.lastCallGas().gasTotalUsed);
        vm.assertEq(settlement.finalizedNumber() + 1, settlement.tip().number);
    }

    function test_challengeOfABatchOf3StaysWithinGoal() public {
        uint256 used = _challengeReal(SECOND_OF_3, REFUTE);
        vm.snapshotValue("refute, claim in a batch of 3", used);
        vm.assertLe(used, CHALLENGE_GAS_GOAL);
    }

    function test_challengeOfASyncClaimStaysWithinGoal() public {
        uint256 used = _challengeReal(SYNC, DEMAND);
        vm.snapshotValue("demand, claim of a transaction of its own", used);
        vm.assertLe(used, CHALLENGE_GAS_GOAL);
    }

    /// @dev The calldata alone costs more than the goal: EIP-7623 charges 40 gas a byte when little else is done.
    function test_challengeOfABatchOf8() public {
        vm.snapshotValue("refute, first claim in a batch of 8", _challengeReal(FIRST_OF_8, REFUTE));
        vm.snapshotValue("demand, of the same claim", _challengeReal(FIRST_OF_8, DEMAND));
        vm.snapshotValue("refute, last claim in a batch of 8", _challengeReal(LAST_OF_8, REFUTE));
    }

    function test_proofOfATrueClaimStaysWithinGoal() public {
        ISettlement.Statement memory statement = _statementAt(FIRST_OF_8);
        verifier.setTruth(statement.programId, statement.inputCommitment, statement.outcomeHash);
        _challengeReal(FIRST_OF_8, DEMAND);
        vm.prank(PROVER);
        settlement.prove(key, statement, statement.outcomeHash, PROOF);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("prove a claim true", used);
        vm.assertLe(used, PROVE_GAS_GOAL);
        settlement.settleChallenge(key, CHALLENGER, DEMAND);
        vm.snapshotValue("settle a lost challenge", vm.lastCallGas().gasTotalUsed);
    }

    function test_proofOfAFalseClaimStaysWithinGoal() public {
        ISettlement.Statement memory statement = _statementAt(FIRST_OF_8);
        verifier.setTruth(statement.programId, statement.inputCommitment, Y);
        _challengeReal(FIRST_OF_8, REFUTE);
        vm.prank(PROVER);
        settlement.prove(key, statement, Y, PROOF);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("prove a claim false", used);
        vm.assertLe(used, PROVE_GAS_GOAL);
        settlement.settleChallenge(key, CHALLENGER, REFUTE);
        vm.snapshotValue("settle a won challenge", vm.lastCallGas().gasTotalUsed);
    }

    function test_proofOfAnUnchallengedClaimStaysWithinGoal() public {
        ISettlement.Statement memory statement = _statementAt(SECOND_OF_3);
        verifier.setTruth(statement.programId, statement.inputCommitment, statement.outcomeHash);
        ISettlement.ClaimEvidence memory evidence = _evidence(SECOND_OF_3);
        vm.prank(PROVER);
        settlement.proveUnchallenged(evidence, statement.outcomeHash, PROOF);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("prove an unchallenged claim in a batch of 3 true", used);
        vm.assertLe(used, PROVE_GAS_GOAL);
    }

    function test_earlyFinality() public {
        bytes[] memory receipts = new bytes[](ExecutionBlocks.MAX_RECEIPTS);
        for (uint256 i; i < receipts.length; ++i) {
            receipts[i] = ExecutionBlocks.plainReceipt(i);
        }
        ExecutionBlock memory next = _blockOf(receipts);
        _passBlocks(rules.challengePeriodBlocks + 1);
        _propose(PROPOSER, next);
        settlement.finalizeProven(next.header, next.receipts);
        vm.snapshotValue("finalizeProven, 16 receipts without logs", vm.lastCallGas().gasTotalUsed);
        next = _proposeEmpty(PROPOSER);
        settlement.finalizeProven(next.header, next.receipts);
        vm.snapshotValue("finalizeProven, an empty block", vm.lastCallGas().gasTotalUsed);
    }

    function test_expiry() public {
        _challengeReal(FIRST_OF_8, DEMAND);
        _passBlocks(rules.proverPeriodBlocks + 1);
        settlement.expire(key, CHALLENGER, DEMAND);
        vm.snapshotValue("expire a demand", vm.lastCallGas().gasTotalUsed);
    }

    function _challengeReal(uint256 which, ISettlement.Kind kind) private returns (uint256 gasUsed) {
        ISettlement.ClaimEvidence memory evidence = _evidence(which);
        uint256 bondWei = _bondWei(kind);
        vm.prank(CHALLENGER);
        settlement.challenge{ value: bondWei }(evidence, kind);
        return vm.lastCallGas().gasTotalUsed;
    }
}
