// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { ExecutionBlocks } from "./base/ExecutionBlocks.sol";
import { SettlementFixture } from "./base/SettlementFixture.sol";

/// @dev Two signed blocks on one parent at one height, and what looks like it.
contract EquivocationTest is SettlementFixture {
    function test_equivocationIsSlashed() public {
        (bytes memory a, bytes memory b) = (_headerOn(GENESIS_HASH, X), _headerOn(GENESIS_HASH, Y));
        bytes memory signatureA = _sign(PROPOSER_KEY, a, GENESIS_HASH);
        bytes memory signatureB = _sign(PROPOSER_KEY, b, GENESIS_HASH);
        _proposeEmpty(PROPOSER);
        vm.prank(CHALLENGER);
        settlement.reportEquivocation(a, signatureA, b, signatureB);
        vm.assertTrue(_proposerState(PROPOSER) == ISettlement.ProposerState.Jailed);
        vm.assertEq(_balance(CHALLENGER), _shareWei(rules.challengerShareBps));
        vm.assertEq(settlement.burnedWei(), rules.proposerBondWei - _shareWei(rules.challengerShareBps));
        // Blocks stay.
        vm.assertEq(settlement.tip().number, GENESIS_NUMBER + 1);

        vm.expectRevert(
            abi.encodeWithSelector(ISettlementErrors.NoBond.selector, PROPOSER, ISettlement.ProposerState.Jailed)
        );
        settlement.reportEquivocation(a, signatureA, b, signatureB);
    }

    function test_honestSignaturesAreNoEquivocation() public {
        bytes memory a = _headerOn(GENESIS_HASH, X);
        bytes memory b = _headerOn(GENESIS_HASH, Y);
        bytes memory onOtherParent = _headerOn(X, Y);
        bytes memory signatureA = _sign(PROPOSER_KEY, a, GENESIS_HASH);
        bytes memory signatureB = _sign(PROPOSER_KEY, b, GENESIS_HASH);
        // The same block twice.
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.NotEquivocation.selector, keccak256(a), keccak256(a)));
        settlement.reportEquivocation(a, signatureA, a, signatureA);
        // One height on two parents: that is what an honest proposer does after a verdict.
        bytes memory signatureOther = _sign(PROPOSER_KEY, onOtherParent, X);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementErrors.NotEquivocation.selector, keccak256(a), keccak256(onOtherParent))
        );
        settlement.reportEquivocation(a, signatureA, onOtherParent, signatureOther);
        // Two proposers.
        bytes memory signatureOfOther = _sign(OTHER_PROPOSER_KEY, b, GENESIS_HASH);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.SignersDiffer.selector, PROPOSER, OTHER_PROPOSER));
        settlement.reportEquivocation(a, signatureA, b, signatureOfOther);
        // Signatures of another chain or contract are those of somebody else.
        vm.chainId(99);
        vm.expectRevert();
        settlement.reportEquivocation(a, signatureA, b, signatureB);
        vm.chainId(31_337);
        // Somebody who proposes nothing.
        bytes memory strangerA = _sign(77, a, GENESIS_HASH);
        bytes memory strangerB = _sign(77, b, GENESIS_HASH);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementErrors.NoBond.selector, vm.addr(77), ISettlement.ProposerState.None)
        );
        settlement.reportEquivocation(a, strangerA, b, strangerB);
        vm.assertTrue(_proposerState(PROPOSER) == ISettlement.ProposerState.Active);
    }

    function _headerOn(bytes32 parentHash, bytes32 receiptsRoot) private pure returns (bytes memory) {
        return ExecutionBlocks.header(parentHash, GENESIS_NUMBER + 1, GENESIS_TIMESTAMP, receiptsRoot);
    }

    function _sign(uint256 key, bytes memory header, bytes32 parentHash) private view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("InfinityVM Settlement"),
                keccak256("1"),
                block.chainid,
                address(settlement)
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256("ProposedHeader(bytes32 blockHash,bytes32 parentHash,uint64 number)"),
                keccak256(header),
                parentHash,
                GENESIS_NUMBER + 1
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, message));
        vm.assertEq(settlement.proposedHeaderDigest(keccak256(header), parentHash, GENESIS_NUMBER + 1), digest);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
