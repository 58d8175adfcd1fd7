// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Test } from "../../base/Test.sol";
import { ISettlement } from "../../../src/interfaces/ISettlement.sol";
import { Predeploys } from "../../../src/Predeploys.sol";
import { Settlement } from "../../../src/settlement/Settlement.sol";
import { MockProofVerifier } from "../mocks/MockProofVerifier.sol";
import { ExecutionBlock, ExecutionBlocks } from "./ExecutionBlocks.sol";
import { Parameters } from "./Parameters.sol";

/// @dev A claim in a proposed block.
struct Claim {
    bytes32 id;
    ISettlement.ClaimKey key;
    ISettlement.Statement statement;
    ExecutionBlock executionBlock;
}

/// @dev A settlement contract with two active proposers, and blocks for it.
abstract contract SettlementFixture is Test {
    using ExecutionBlocks for ExecutionBlock;

    uint256 internal constant PROPOSER_KEY = 0xA11CE;
    uint256 internal constant OTHER_PROPOSER_KEY = 0xB0B;
    address internal constant OWNER = address(0x0123);
    address internal constant CHALLENGER = address(0xC4A1);
    address internal constant OTHER_CHALLENGER = address(0xC4A2);
    address internal constant PROVER = address(0x9E01);

    uint64 internal constant GENESIS_NUMBER = 7;
    uint64 internal constant GENESIS_TIMESTAMP = 1_000_000;
    bytes32 internal constant GENESIS_HASH = keccak256("execution genesis");
    uint256 internal constant FIRST_SETTLEMENT_BLOCK = 1000;

    bytes32 internal constant PROGRAM_ID = keccak256("program");
    bytes32 internal constant X = keccak256("outcome X");
    bytes32 internal constant Y = keccak256("outcome Y");
    bytes32 internal constant PANIC = keccak256("outcome of a panic");
    bytes internal constant PROOF = "proof";

    ISettlement.Kind internal constant REFUTE = ISettlement.Kind.Refute;
    ISettlement.Kind internal constant DEMAND = ISettlement.Kind.Demand;

    address internal immutable PROPOSER = vm.addr(PROPOSER_KEY);
    address internal immutable OTHER_PROPOSER = vm.addr(OTHER_PROPOSER_KEY);

    Settlement internal settlement;
    MockProofVerifier internal verifier;
    ISettlement.Parameters internal rules;

    function setUp() public virtual {
        vm.roll(FIRST_SETTLEMENT_BLOCK);
        vm.warp(GENESIS_TIMESTAMP);
        address payable[5] memory rich =
            [payable(OWNER), payable(PROPOSER), payable(CHALLENGER), payable(OTHER_CHALLENGER), payable(PROVER)];
        for (uint256 i; i < rich.length; ++i) {
            vm.deal(rich[i], 1000 ether);
        }
        verifier = new MockProofVerifier();
        rules = Parameters.development();
        settlement = _deploy(rules);
    }

    function _deploy(ISettlement.Parameters memory parameters) internal returns (Settlement) {
        uint256 bondsWei = 2 * uint256(parameters.proposerBondWei);
        vm.deal(address(this), bondsWei);
        return new Settlement{ value: bondsWei }(
            parameters, OWNER, verifier, Predeploys.JOB_MANAGER, _genesis(), _twoProposers()
        );
    }

    function _genesis() internal pure returns (ISettlement.ExecutionGenesis memory) {
        return
            ISettlement.ExecutionGenesis({ hash: GENESIS_HASH, number: GENESIS_NUMBER, timestamp: GENESIS_TIMESTAMP });
    }

    function _twoProposers() internal view returns (address[] memory proposers) {
        proposers = new address[](2);
        proposers[0] = PROPOSER;
        proposers[1] = OTHER_PROPOSER;
    }

    /// @dev A statement about the job number `job`; what is true of it is for the verifier to know.
    function _statement(uint256 job, bytes32 outcomeHash) internal pure returns (ISettlement.Statement memory) {
        return ISettlement.Statement({
            programId: PROGRAM_ID, inputCommitment: keccak256(abi.encode("input", job)), outcomeHash: outcomeHash
        });
    }

    function _setTruth(uint256 job, bytes32 outcomeHash) internal {
        ISettlement.Statement memory statement = _statement(job, outcomeHash);
        verifier.setTruth(statement.programId, statement.inputCommitment, outcomeHash);
    }

    /// @dev A block on the tip with claims, each in a receipt of its own.
    function _blockWith(ISettlement.Statement[] memory statements) internal view returns (ExecutionBlock memory) {
        bytes[] memory receipts = new bytes[](statements.length);
        for (uint256 i; i < statements.length; ++i) {
            receipts[i] = ExecutionBlocks.receipt(ExecutionBlocks.claimLog(statements[i]));
        }
        return _blockOf(receipts);
    }

    function _emptyBlock() internal view returns (ExecutionBlock memory) {
        return _blockOf(new bytes[](0));
    }

    function _blockOf(bytes[] memory receipts) internal view returns (ExecutionBlock memory) {
        ISettlement.Tip memory tip = settlement.tip();
        return ExecutionBlocks.build(tip.hash, tip.number + 1, tip.timestamp, receipts);
    }

    function _propose(address proposer, ExecutionBlock memory executionBlock) internal {
        vm.prank(proposer);
        settlement.propose(executionBlock.header);
    }

    function _proposeEmpty(address proposer) internal returns (ExecutionBlock memory executionBlock) {
        executionBlock = _emptyBlock();
        _propose(proposer, executionBlock);
    }

    /// @dev Proposes a block with one claim.
    function _proposeClaim(address proposer, ISettlement.Statement memory statement) internal returns (Claim memory) {
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](1);
        statements[0] = statement;
        return _proposeClaims(proposer, statements)[0];
    }

    /// @dev Proposes a block with two claims.
    function _proposeClaims(address proposer, ISettlement.Statement memory first, ISettlement.Statement memory second)
        internal
        returns (Claim memory, Claim memory)
    {
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](2);
        statements[0] = first;
        statements[1] = second;
        Claim[] memory claims = _proposeClaims(proposer, statements);
        return (claims[0], claims[1]);
    }

    function _proposeClaims(address proposer, ISettlement.Statement[] memory statements)
        internal
        returns (Claim[] memory claims)
    {
        ExecutionBlock memory executionBlock = _blockWith(statements);
        _propose(proposer, executionBlock);
        claims = new Claim[](statements.length);
        for (uint256 i; i < statements.length; ++i) {
            ISettlement.ClaimKey memory key = executionBlock.key(i, statements[i]);
            claims[i] = Claim({
                id: keccak256(abi.encode(key)), key: key, statement: statements[i], executionBlock: executionBlock
            });
        }
    }

    function _evidence(Claim memory claim) internal pure returns (ISettlement.ClaimEvidence memory) {
        return claim.executionBlock.evidence(claim.key.transactionIndex, 0);
    }

    function _challenge(address challenger, Claim memory claim, ISettlement.Kind kind) internal {
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        uint256 bondWei = _bondWei(kind);
        vm.prank(challenger);
        settlement.challenge{ value: bondWei }(evidence, kind);
    }

    function _refute(address challenger, Claim memory claim) internal {
        _challenge(challenger, claim, REFUTE);
    }

    function _demand(address challenger, Claim memory claim) internal {
        _challenge(challenger, claim, DEMAND);
    }

    function _prove(address prover, Claim memory claim, bytes32 outcomeHash) internal {
        vm.prank(prover);
        settlement.prove(claim.key, claim.statement, outcomeHash, PROOF);
    }

    function _proveUnchallenged(address prover, Claim memory claim, bytes32 outcomeHash) internal {
        ISettlement.ClaimEvidence memory evidence = _evidence(claim);
        vm.prank(prover);
        settlement.proveUnchallenged(evidence, outcomeHash, PROOF);
    }

    function _settle(Claim memory claim, address challenger, ISettlement.Kind kind) internal {
        settlement.settleChallenge(claim.key, challenger, kind);
    }

    function _expire(Claim memory claim, address challenger, ISettlement.Kind kind) internal {
        settlement.expire(claim.key, challenger, kind);
    }

    function _bondWei(ISettlement.Kind kind) internal view returns (uint256) {
        return kind == REFUTE ? rules.refuteBondWei : rules.demandBondWei;
    }

    function _shareWei(uint256 shareBps) internal view returns (uint256) {
        return uint256(rules.proposerBondWei) * shareBps / 10_000;
    }

    function _passBlocks(uint256 count) internal {
        vm.roll(vm.getBlockNumber() + count);
    }

    function _state(Claim memory claim) internal view returns (ISettlement.ClaimState) {
        return settlement.claimInfo(claim.id).state;
    }

    function _blockState(Claim memory claim) internal view returns (ISettlement.BlockState) {
        return settlement.blockInfo(claim.key.blockHash).state;
    }

    function _challengeState(Claim memory claim, address challenger, ISettlement.Kind kind)
        internal
        view
        returns (ISettlement.ChallengeState)
    {
        return settlement.challengeInfo(settlement.challengeId(claim.id, challenger, kind)).state;
    }

    function _proposerState(address proposer) internal view returns (ISettlement.ProposerState) {
        return settlement.proposerInfo(proposer).state;
    }

    function _balance(address account) internal view returns (uint256) {
        return settlement.balanceOf(account);
    }
}
