// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { RLP } from "@openzeppelin/contracts/utils/RLP.sol";

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { ISettlementEvents } from "../../src/interfaces/ISettlementEvents.sol";
import { ExecutionBlock, ExecutionBlocks } from "./base/ExecutionBlocks.sol";
import { Claim, SettlementFixture } from "./base/SettlementFixture.sol";

/// @dev Proposals, finality, and what is left of the chain after a verdict.
contract BlocksTest is SettlementFixture {
    using RLP for *;

    function test_genesisIsFinal() public view {
        ISettlement.Tip memory tip = settlement.tip();
        vm.assertEq(tip.number, GENESIS_NUMBER);
        vm.assertEq(tip.hash, GENESIS_HASH);
        vm.assertEq(tip.timestamp, GENESIS_TIMESTAMP);
        vm.assertEq(settlement.finalizedNumber(), GENESIS_NUMBER);
        vm.assertTrue(settlement.blockInfo(GENESIS_HASH).state == ISettlement.BlockState.Final);
        vm.assertEq(settlement.blockInfo(GENESIS_HASH).proposer, address(0));
    }

    function test_proposalBecomesTheTip() public {
        ExecutionBlock memory first = _emptyBlock();
        vm.expectEmit(address(settlement));
        emit ISettlementEvents.BlockProposed(first.number, first.hash, PROPOSER);
        _propose(PROPOSER, first);
        vm.assertEq(settlement.tip().hash, first.hash);
        vm.assertEq(settlement.canonicalHash(first.number), first.hash);
        vm.assertEq(settlement.canonicalHash(first.number + 1), bytes32(0));

        ISettlement.BlockInfo memory info = settlement.blockInfo(first.hash);
        vm.assertTrue(info.state == ISettlement.BlockState.Proposed);
        vm.assertEq(info.proposer, PROPOSER);
        vm.assertEq(info.number, GENESIS_NUMBER + 1);
        vm.assertEq(info.timestamp, GENESIS_TIMESTAMP);
        vm.assertEq(info.proposedAtBlock, FIRST_SETTLEMENT_BLOCK);

        _proposeEmpty(OTHER_PROPOSER);
        vm.assertEq(settlement.tip().number, GENESIS_NUMBER + 2);
    }

    function test_onlyActiveProposersPropose() public {
        ExecutionBlock memory next = _emptyBlock();
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongProposerState.selector,
                CHALLENGER,
                ISettlement.ProposerState.None,
                ISettlement.ProposerState.Active
            )
        );
        _propose(CHALLENGER, next);
    }

    function test_proposalMustFollowTheTip() public {
        bytes32 root = keccak256(hex"80");
        bytes memory header = ExecutionBlocks.header(GENESIS_HASH, GENESIS_NUMBER + 2, GENESIS_TIMESTAMP, root);
        _expectRefused(
            header,
            abi.encodeWithSelector(ISettlementErrors.WrongNumber.selector, GENESIS_NUMBER + 2, GENESIS_NUMBER + 1)
        );
        header = ExecutionBlocks.header(GENESIS_HASH, GENESIS_NUMBER, GENESIS_TIMESTAMP, root);
        _expectRefused(
            header, abi.encodeWithSelector(ISettlementErrors.WrongNumber.selector, GENESIS_NUMBER, GENESIS_NUMBER + 1)
        );
        header = ExecutionBlocks.header(X, GENESIS_NUMBER + 1, GENESIS_TIMESTAMP, root);
        _expectRefused(header, abi.encodeWithSelector(ISettlementErrors.WrongParent.selector, X, GENESIS_HASH));
    }

    function test_timestampLiesBetweenTheParentsAndNow() public {
        bytes32 root = keccak256(hex"80");
        uint64 number = GENESIS_NUMBER + 1;
        _expectRefused(
            ExecutionBlocks.header(GENESIS_HASH, number, GENESIS_TIMESTAMP - 1, root),
            abi.encodeWithSelector(
                ISettlementErrors.TimestampTooEarly.selector, GENESIS_TIMESTAMP - 1, GENESIS_TIMESTAMP
            )
        );
        uint64 latest = GENESIS_TIMESTAMP + rules.maxTimestampDriftSeconds;
        _expectRefused(
            ExecutionBlocks.header(GENESIS_HASH, number, latest + 1, root),
            abi.encodeWithSelector(ISettlementErrors.TimestampTooLate.selector, latest + 1, latest)
        );
        _propose(PROPOSER, ExecutionBlocks.build(GENESIS_HASH, number, latest, new bytes[](0)));
        vm.assertEq(settlement.tip().timestamp, latest);
    }

    function test_blockIsProposedOnce() public {
        _setTruth(1, X);
        Claim memory claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _proveUnchallenged(PROVER, claim, X);
        vm.assertEq(settlement.tip().hash, GENESIS_HASH);
        bytes memory known = abi.encodeWithSelector(ISettlementErrors.BlockKnown.selector, claim.key.blockHash);
        vm.expectRevert(known);
        _propose(OTHER_PROPOSER, claim.executionBlock);
    }

    /// @dev Every field of a header has one encoding, and there are 21.
    function test_headerInAnotherShapeIsRefused() public {
        bytes[] memory fields = ExecutionBlocks.headerFields(GENESIS_HASH, GENESIS_NUMBER + 1, GENESIS_TIMESTAMP, X);
        uint256 refused;
        for (uint256 i; i < fields.length; ++i) {
            bytes memory whole = fields[i];
            bytes[] memory wrong = new bytes[](6);
            wrong[0] = hex"c0"; // a list
            wrong[1] = abi.encodePacked(hex"a1", new bytes(33)); // 33 bytes
            wrong[2] = hex"00"; // zero that is not the empty string
            wrong[3] = hex"8105"; // a head that is not needed
            wrong[4] = hex"820005"; // a leading zero
            wrong[5] = hex"";
            for (uint256 j; j < wrong.length; ++j) {
                // Extra data are any string of up to 32 bytes: what are no numbers may begin with zeros.
                if (i == 12 && (j == 2 || j == 4)) continue;
                fields[i] = wrong[j];
                _expectMalformed(fields.encode());
                ++refused;
            }
            fields[i] = whole;
        }
        vm.assertEq(refused, 21 * 6 - 2);
        _propose(PROPOSER, fields.encode());
    }

    function test_headerWithMoreOrLessIsRefused() public {
        bytes memory header = _emptyBlock().header;
        _expectMalformed(abi.encodePacked(header, hex"80"));
        _expectMalformed(abi.encodePacked(hex"80", header));
        _expectMalformed("");
        _expectMalformed(new bytes(70_000));
        for (uint256 length = 1; length < header.length; length += 13) {
            bytes memory cut = new bytes(length);
            for (uint256 i; i < length; ++i) {
                cut[i] = header[i];
            }
            _expectMalformed(cut);
        }
        bytes[] memory fields = ExecutionBlocks.headerFields(GENESIS_HASH, GENESIS_NUMBER + 1, GENESIS_TIMESTAMP, X);
        bytes[] memory more = new bytes[](fields.length + 1);
        for (uint256 i; i < fields.length; ++i) {
            more[i] = fields[i];
        }
        more[fields.length] = X.encode();
        _expectMalformed(more.encode());
    }

    function testFuzz_headerBytesDoNotPanic(bytes calldata header) public {
        vm.prank(PROPOSER);
        (bool ok, bytes memory why) = address(settlement).call(abi.encodeCall(settlement.propose, (header)));
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == ISettlementErrors.HeaderMalformed.selector);
    }

    /// @dev A changed byte makes another block, or none; it never goes unnoticed.
    function testFuzz_changedHeaderIsAnotherBlock(uint256 position, uint8 value) public {
        bytes memory header = _emptyBlock().header;
        bytes32 hash = keccak256(header);
        position %= header.length;
        vm.assume(uint8(header[position]) != value);
        header[position] = bytes1(value);
        vm.prank(PROPOSER);
        (bool ok,) = address(settlement).call(abi.encodeCall(settlement.propose, (header)));
        vm.assertTrue(settlement.blockInfo(hash).state == ISettlement.BlockState.Unknown);
        if (ok) vm.assertEq(settlement.tip().hash, keccak256(header));
        else vm.assertEq(settlement.tip().hash, GENESIS_HASH);
    }

    function test_blocksBecomeFinalInOrder() public {
        _setTruth(1, Y);
        _proposeEmpty(PROPOSER);
        Claim memory claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _proposeEmpty(PROPOSER);
        _passBlocks(rules.challengePeriodBlocks);
        vm.assertEq(settlement.finalize(10), 0);
        _demand(CHALLENGER, claim);
        _passBlocks(1);
        // The first one is ripe, the second is held by the demand, the third by the second.
        vm.assertEq(settlement.finalize(10), 1);
        vm.assertEq(settlement.finalizedNumber(), GENESIS_NUMBER + 1);
        _prove(PROVER, claim, Y);
        vm.assertEq(settlement.finalize(1), 1);
        vm.assertEq(settlement.finalize(10), 1);
        vm.assertEq(settlement.finalizedNumber(), settlement.tip().number);
        vm.assertEq(settlement.finalize(10), 0);
    }

    function test_proposalsMakeBlocksFinal() public {
        for (uint256 i; i < 5; ++i) {
            _proposeEmpty(PROPOSER);
        }
        _passBlocks(rules.challengePeriodBlocks + 10);
        _proposeEmpty(PROPOSER);
        vm.assertEq(settlement.finalizedNumber(), GENESIS_NUMBER + 2);
        _proposeEmpty(PROPOSER);
        vm.assertEq(settlement.finalizedNumber(), GENESIS_NUMBER + 4);
    }

    function test_verdictTakesDescendantsAlong() public {
        _setTruth(1, X);
        _proposeEmpty(PROPOSER);
        bytes32 parent = settlement.tip().hash;
        Claim memory bad = _proposeClaim(PROPOSER, _statement(1, Y));
        ExecutionBlock memory child = _proposeEmpty(OTHER_PROPOSER);
        ExecutionBlock memory grandchild = _proposeEmpty(OTHER_PROPOSER);
        uint64 number = bad.executionBlock.number;

        vm.expectEmit(address(settlement));
        emit ISettlementEvents.BlockInvalidated(number, bad.key.blockHash, bad.id);
        _proveUnchallenged(PROVER, bad, X);
        vm.assertEq(settlement.tip().hash, parent);
        vm.assertEq(settlement.tip().number, number - 1);
        vm.assertEq(settlement.canonicalHash(number), bytes32(0));
        vm.assertTrue(settlement.blockInfo(child.hash).state == ISettlement.BlockState.Dropped);
        vm.assertTrue(settlement.blockInfo(grandchild.hash).state == ISettlement.BlockState.Dropped);

        // The chain grows again, past the heights of those that fell; they do not come back.
        for (uint256 i; i < 3; ++i) {
            _proposeEmptyAt(OTHER_PROPOSER, GENESIS_TIMESTAMP + 1);
            vm.assertTrue(_blockState(bad) == ISettlement.BlockState.Dropped);
            vm.assertTrue(settlement.blockInfo(child.hash).state == ISettlement.BlockState.Dropped);
            vm.assertTrue(settlement.blockInfo(grandchild.hash).state == ISettlement.BlockState.Dropped);
        }
    }

    function test_timestampOfTheTipComesBackAfterAVerdict() public {
        _setTruth(1, X);
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](1);
        statements[0] = _statement(1, Y);
        Claim memory bad = _proposeClaims(PROPOSER, statements)[0];
        _proposeEmptyAt(PROPOSER, GENESIS_TIMESTAMP + 5);
        _proveUnchallenged(PROVER, bad, X);
        vm.assertEq(settlement.tip().timestamp, GENESIS_TIMESTAMP);
        _proposeEmptyAt(OTHER_PROPOSER, GENESIS_TIMESTAMP);
    }

    function _proposeEmptyAt(address proposer, uint64 timestamp) private {
        ISettlement.Tip memory tip = settlement.tip();
        if (timestamp < tip.timestamp) timestamp = tip.timestamp;
        _propose(proposer, ExecutionBlocks.build(tip.hash, tip.number + 1, timestamp, new bytes[](0)));
    }

    function _propose(address proposer, bytes memory header) private {
        vm.prank(proposer);
        settlement.propose(header);
    }

    function _expectRefused(bytes memory header, bytes memory why) private {
        vm.expectRevert(why);
        _propose(PROPOSER, header);
    }

    function _expectMalformed(bytes memory header) private {
        vm.prank(PROPOSER);
        (bool ok, bytes memory why) = address(settlement).call(abi.encodeCall(settlement.propose, (header)));
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == ISettlementErrors.HeaderMalformed.selector);
    }
}
