// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { ISettlementEvents } from "../../src/interfaces/ISettlementEvents.sol";
import { OrderedTrieRoot } from "../../src/settlement/OrderedTrieRoot.sol";
import { ExecutionBlock, ExecutionBlocks } from "./base/ExecutionBlocks.sol";
import { Claim, SettlementFixture } from "./base/SettlementFixture.sol";

/// @dev Blocks that are final before their time, and the root that shows all receipts of one.
contract EarlyFinalityTest is SettlementFixture {
    function setUp() public override {
        super.setUp();
        _setTruth(1, X);
        _setTruth(2, X);
    }

    function test_blockWithoutClaimsIsFinalAtOnce() public {
        ExecutionBlock memory first = _proposeEmpty(PROPOSER);
        vm.expectEmit(address(settlement));
        emit ISettlementEvents.BlockFinalized(first.number, first.hash);
        settlement.finalizeProven(first.header, first.receipts);
        vm.assertEq(settlement.finalizedNumber(), first.number);

        // A log of somebody else is no claim.
        bytes[] memory receipts = new bytes[](2);
        receipts[0] = ExecutionBlocks.receipt(ExecutionBlocks.claimLog(address(0xBAD), X, _statement(1, Y)));
        receipts[1] = ExecutionBlocks.plainReceipt(1);
        ExecutionBlock memory second = _blockOf(receipts);
        _propose(PROPOSER, second);
        settlement.finalizeProven(second.header, second.receipts);
        vm.assertEq(settlement.finalizedNumber(), second.number);
    }

    function test_blockIsFinalWhenAllItsClaimsAreProven() public {
        (Claim memory first, Claim memory second) = _proposeClaims(PROPOSER, _statement(1, X), _statement(2, X));
        ExecutionBlock memory executionBlock = first.executionBlock;
        _expectUnproven(executionBlock, first.id, ISettlement.ClaimState.Unknown);
        _proveUnchallenged(PROVER, first, X);
        _expectUnproven(executionBlock, second.id, ISettlement.ClaimState.Unknown);
        _refute(CHALLENGER, second);
        _demand(CHALLENGER, second);
        _expectUnproven(executionBlock, second.id, ISettlement.ClaimState.Challenged);
        _prove(PROVER, second, X);
        settlement.finalizeProven(executionBlock.header, executionBlock.receipts);
        vm.assertTrue(_blockState(first) == ISettlement.BlockState.Final);

        // What was open when it became final is settled as ever.
        _settle(second, CHALLENGER, REFUTE);
        _settle(second, CHALLENGER, DEMAND);
        vm.assertTrue(_challengeState(second, CHALLENGER, DEMAND) == ISettlement.ChallengeState.Lost);
    }

    function test_parentMustBeFinal() public {
        _proposeClaim(PROPOSER, _statement(1, X));
        ExecutionBlock memory child = _proposeEmpty(PROPOSER);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementErrors.ParentNotFinal.selector, child.number, child.number - 1)
        );
        settlement.finalizeProven(child.header, child.receipts);
    }

    function test_onlyProposedBlocksBecomeFinal() public {
        ExecutionBlock memory unknown = _emptyBlock();
        _expectWrongState(unknown, ISettlement.BlockState.Unknown);
        _propose(PROPOSER, unknown);
        settlement.finalizeProven(unknown.header, unknown.receipts);
        _expectWrongState(unknown, ISettlement.BlockState.Final);
        Claim memory bad = _proposeClaim(PROPOSER, _statement(1, Y));
        _proveUnchallenged(PROVER, bad, X);
        _expectWrongState(bad.executionBlock, ISettlement.BlockState.Dropped);
    }

    /// @dev Leaving out the receipt with the false claim, doubling or exchanging receipts, or adding one, shows.
    function test_allReceiptsAreNeeded() public {
        bytes[] memory receipts = new bytes[](3);
        receipts[0] = ExecutionBlocks.plainReceipt(0);
        receipts[1] = ExecutionBlocks.receipt(ExecutionBlocks.claimLog(_statement(1, Y)));
        receipts[2] = ExecutionBlocks.plainReceipt(2);
        ExecutionBlock memory executionBlock = _blockOf(receipts);
        _propose(PROPOSER, executionBlock);
        _expectMismatch(executionBlock, _pick(receipts, 0, 2, 3));
        _expectMismatch(executionBlock, _pick(receipts, 0, 2, 2));
        _expectMismatch(executionBlock, _pick(receipts, 0, 1, 3));
        _expectMismatch(executionBlock, _pick(receipts, 2, 1, 0));
        _expectMismatch(executionBlock, new bytes[](0));
        bytes[] memory more = new bytes[](4);
        (more[0], more[1], more[2], more[3]) = (receipts[0], receipts[1], receipts[2], receipts[2]);
        _expectMismatch(executionBlock, more);
    }

    /// @dev Tries of a library that is not ours, of sizes at which their shape changes.
    function test_rootsAreThoseOfTheVectors() public view {
        string memory vectors = vm.readFile("test/vectors/receipts.json");
        string[9] memory paths = [
            ".tries[0]",
            ".tries[1]",
            ".tries[2]",
            ".tries[3]",
            ".tries[4]",
            ".tries[5]",
            ".tries[6]",
            ".tries[7]",
            ".tries[8]"
        ];
        for (uint256 i; i < paths.length; ++i) {
            uint256 count = vm.parseJsonUint(vectors, string.concat(paths[i], ".count"));
            bytes[] memory receipts = new bytes[](count);
            bytes memory all;
            for (uint256 j; j < count; ++j) {
                receipts[j] = ExecutionBlocks.plainReceipt(j);
                all = abi.encodePacked(all, receipts[j]);
            }
            vm.assertEq(keccak256(all), vm.parseJsonBytes32(vectors, string.concat(paths[i], ".receiptsHash")));
            vm.assertEq(this.rootOf(receipts), vm.parseJsonBytes32(vectors, string.concat(paths[i], ".root")));
        }
    }

    /// @dev The test's own encoder, which knows up to 16 receipts, agrees on any.
    function testFuzz_rootsAreThoseOfTheTestsEncoder(uint256 count, bytes32 seed) public view {
        bytes[] memory receipts = new bytes[](1 + count % ExecutionBlocks.MAX_RECEIPTS);
        for (uint256 i; i < receipts.length; ++i) {
            bytes32 dice = keccak256(abi.encode(seed, i));
            receipts[i] = abi.encodePacked(dice, new bytes(uint256(dice) % 300));
        }
        vm.assertEq(this.rootOf(receipts), keccak256(ExecutionBlocks.rootNode(receipts)));
    }

    function rootOf(bytes[] calldata receipts) external pure returns (bytes32) {
        return OrderedTrieRoot.compute(receipts);
    }

    function _pick(bytes[] memory receipts, uint256 first, uint256 second, uint256 third)
        private
        pure
        returns (bytes[] memory picked)
    {
        bool two = third >= receipts.length;
        picked = new bytes[](two ? 2 : 3);
        picked[0] = receipts[first];
        picked[1] = receipts[second];
        if (!two) picked[2] = receipts[third];
    }

    function _expectUnproven(ExecutionBlock memory executionBlock, bytes32 claimId, ISettlement.ClaimState state)
        private
    {
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongClaimState.selector, claimId, state, ISettlement.ClaimState.Confirmed
            )
        );
        settlement.finalizeProven(executionBlock.header, executionBlock.receipts);
    }

    function _expectWrongState(ExecutionBlock memory executionBlock, ISettlement.BlockState state) private {
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.WrongBlockState.selector, executionBlock.hash, state));
        settlement.finalizeProven(executionBlock.header, executionBlock.receipts);
    }

    function _expectMismatch(ExecutionBlock memory executionBlock, bytes[] memory receipts) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.ReceiptsRootMismatch.selector,
                this.rootOf(receipts),
                keccak256(ExecutionBlocks.rootNode(executionBlock.receipts))
            )
        );
        settlement.finalizeProven(executionBlock.header, receipts);
    }
}
