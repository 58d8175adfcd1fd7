// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { RLP } from "@openzeppelin/contracts/utils/RLP.sol";
import { TrieProof } from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { Predeploys } from "../../src/Predeploys.sol";
import { ReceiptProof } from "../../src/settlement/ReceiptProof.sol";
import { ExecutionBlock, ExecutionBlocks } from "./base/ExecutionBlocks.sol";
import { RealBlock } from "./base/RealBlock.sol";

/// @dev What shows a claim and what does not: on a block made by a library that is not ours, and beside OpenZeppelin's
/// reader of proofs. Both readers find the same receipt by the same proof, or none.
contract EvidenceTest is RealBlock {
    using ExecutionBlocks for ExecutionBlock;

    function setUp() public override {
        super.setUp();
        _proposeRealBlock();
    }

    function test_headerOfAnotherLibraryIsRead() public view {
        vm.assertEq(settlement.tip().hash, blockHash);
        vm.assertEq(settlement.tip().number, number);
        vm.assertEq(settlement.tip().timestamp, timestamp);
    }

    /// @dev Legacy receipts and typed ones, short keys and long ones, first log and last.
    function test_everyClaimIsShown() public {
        for (uint256 i; i < CLAIMS; ++i) {
            ISettlement.ClaimEvidence memory evidence = _evidence(i);
            vm.prank(CHALLENGER);
            bytes32 claimId = settlement.challenge{ value: rules.refuteBondWei }(evidence, REFUTE);
            vm.assertEq(claimId, keccak256(abi.encode(_keyAt(i))));
        }
    }

    function test_everyTypeOfReceiptIsRead() public {
        ISettlement.Statement memory statement = _statement(1, X);
        bytes[] memory logs = new bytes[](1);
        logs[0] = ExecutionBlocks.claimLog(statement);
        for (uint8 kind; kind <= 5; ++kind) {
            bytes[] memory receipts = new bytes[](1);
            receipts[0] = ExecutionBlocks.receipt(kind, logs);
            ExecutionBlock memory next = _blockOf(receipts);
            _propose(PROPOSER, next);
            if (kind == 5) _expectRefused(next.evidence(0, 0), ISettlementErrors.RlpMalformed.selector);
            else _accept(next.evidence(0, 0));
        }
    }

    function test_otherTransactionOrLogIsRefused() public {
        ISettlement.ClaimEvidence memory evidence = _evidence(FIRST_OF_8);
        uint256[5] memory others = [uint256(1), 8, 127, 128, type(uint32).max];
        for (uint256 i; i < others.length; ++i) {
            evidence.transactionIndex = others[i];
            _expectRefused(evidence, ISettlementErrors.ReceiptProofInvalid.selector);
        }
        uint256[2] memory tooHigh = [uint256(type(uint32).max) + 1, type(uint256).max];
        for (uint256 i; i < tooHigh.length; ++i) {
            evidence.transactionIndex = tooHigh[i];
            _expectRefused(evidence, ISettlementErrors.IndexTooHigh.selector);
        }
        evidence = _evidence(FIRST_OF_8);
        // Logs with odd numbers are deliveries; there are sixteen.
        evidence.logIndex = 1;
        _expectRefused(evidence, ISettlementErrors.NotAClaim.selector);
        evidence.logIndex = 16;
        _expectRefused(evidence, ISettlementErrors.NoSuchLog.selector);
        evidence.logIndex = type(uint256).max;
        _expectRefused(evidence, ISettlementErrors.NoSuchLog.selector);
    }

    function test_receiptOfAnotherBlockIsRefused() public {
        ExecutionBlock memory empty = _emptyBlock();
        _propose(PROPOSER, empty);
        ISettlement.ClaimEvidence memory evidence = _evidence(FIRST_OF_8);
        evidence.header = empty.header;
        _expectRefused(evidence, ISettlementErrors.ReceiptProofInvalid.selector);
    }

    function test_headerThatWasNotProposedIsRefused() public {
        bytes[] memory receipts = new bytes[](1);
        receipts[0] = ExecutionBlocks.receipt(ExecutionBlocks.claimLog(_statement(1, X)));
        _expectRefused(_blockOf(receipts).evidence(0, 0), ISettlementErrors.WrongBlockState.selector);
    }

    function test_proofOfAbsenceShowsNothing() public {
        ISettlement.ClaimEvidence memory evidence = _evidence(FIRST_OF_8);
        evidence.transactionIndex = 150;
        evidence.receiptProof = vm.parseJsonBytesArray(vectors, ".block.absentReceiptProof");
        _expectRefused(evidence, ISettlementErrors.ReceiptProofInvalid.selector);
        evidence.transactionIndex = 1;
        evidence.receiptProof = vm.parseJsonBytesArray(vectors, ".block.transferReceiptProof");
        _expectRefused(evidence, ISettlementErrors.NotAClaim.selector);
    }

    function test_proofThatIsCutOrGrownIsRefused() public {
        for (uint256 which; which < CLAIMS; ++which) {
            ISettlement.ClaimEvidence memory evidence = _evidence(which);
            bytes[] memory nodes = evidence.receiptProof;
            for (uint256 count; count < nodes.length; ++count) {
                evidence.receiptProof = _resized(nodes, count);
                _expectRefused(evidence, ISettlementErrors.ReceiptProofInvalid.selector);
            }
            evidence.receiptProof = _resized(nodes, nodes.length + 1);
            _expectRefused(evidence, ISettlementErrors.ReceiptProofInvalid.selector);
            evidence.receiptProof = _resized(nodes, 12);
            _expectRefused(evidence, ISettlementErrors.ReceiptProofTooLong.selector);
            for (uint256 i; i < nodes.length; ++i) {
                bytes memory whole = nodes[i];
                evidence.receiptProof = nodes;
                nodes[i] = abi.encodePacked(whole, hex"00");
                _expectRefused(evidence, ISettlementErrors.ReceiptProofInvalid.selector);
                nodes[i] = "";
                _expectRefused(evidence, ISettlementErrors.ReceiptProofInvalid.selector);
                nodes[i] = whole;
            }
        }
    }

    function test_logOfAnotherContractIsNoClaim() public {
        ISettlement.Statement memory statement = _statement(1, X);
        bytes[] memory receipts = new bytes[](1);
        receipts[0] = ExecutionBlocks.receipt(ExecutionBlocks.claimLog(address(0xBAD), X, statement));
        ExecutionBlock memory next = _blockOf(receipts);
        _propose(PROPOSER, next);
        _expectRefused(next.evidence(0, 0), ISettlementErrors.NotAClaim.selector);

        // The same event with another number of topics, and with more data.
        bytes32[] memory topics = new bytes32[](2);
        topics[0] = 0xcd8be88d6a0b4d86513a485bde8bed7ba849db6403b88e0889a417e27d076075;
        receipts[0] = ExecutionBlocks.receipt(
            ExecutionBlocks.log(Predeploys.JOB_MANAGER, topics, abi.encode(X, uint256(1), X, uint256(1), X))
        );
        next = _blockOf(receipts);
        _propose(PROPOSER, next);
        _expectRefused(next.evidence(0, 0), ISettlementErrors.NotAClaim.selector);
    }

    /// @dev Receipts that are none, in a block whose proposer put them there.
    function test_malformedReceiptsAreRefused() public {
        bytes memory good = ExecutionBlocks.receipt(ExecutionBlocks.claimLog(_statement(1, X)));
        bytes[] memory bad = new bytes[](6);
        bad[0] = abi.encodePacked(good, hex"00"); // a byte behind it
        bad[1] = _cut(good, good.length - 1); // one missing
        bad[2] = abi.encodePacked(hex"02", good); // its type twice
        bad[3] = abi.encodePacked(hex"05", _from(good, 1)); // a type that is not there
        bad[4] = abi.encodePacked(hex"f90001", _from(good, 1)); // a size with a leading zero
        bad[5] = RLP.encode(good); // a string
        for (uint256 i; i < bad.length; ++i) {
            bytes[] memory receipts = new bytes[](1);
            receipts[0] = bad[i];
            ExecutionBlock memory next = _blockOf(receipts);
            _propose(PROPOSER, next);
            _expectRefused(next.evidence(0, 0), ISettlementErrors.RlpMalformed.selector);
        }
    }

    /// @dev A node that hashes as it must, and is none: only the proposer can make one, and it shows nothing.
    function testFuzz_hostileRootNodesDoNotPanic(bytes calldata node, uint256 transactionIndex) public view {
        bytes[] memory nodes = new bytes[](1);
        nodes[0] = node;
        try this.find(nodes, keccak256(node), transactionIndex) returns (bytes memory receipt) {
            vm.assertLe(receipt.length, node.length);
        } catch (bytes memory why) {
            bytes4 selector = bytes4(why);
            vm.assertTrue(
                selector == ISettlementErrors.RlpMalformed.selector
                    || selector == ISettlementErrors.ReceiptProofInvalid.selector
                    || selector == ISettlementErrors.IndexTooHigh.selector
            );
        }
    }

    /// @dev Whichever byte of a proof is changed.
    function testFuzz_readsProofsAsOpenZeppelinDoes(uint256 which, uint256 node, uint256 position, uint8 value)
        public
        view
    {
        ISettlement.ClaimEvidence memory evidence = _evidence(which % CLAIMS);
        bytes[] memory nodes = evidence.receiptProof;
        uint256 index = evidence.transactionIndex;
        bytes32 root = keccak256(nodes[0]);
        (bytes32 ours, bytes32 theirs) = _findBoth(nodes, root, index);
        vm.assertTrue(ours != 0);
        vm.assertEq(ours, theirs);

        node %= nodes.length;
        position %= nodes[node].length;
        vm.assume(uint8(nodes[node][position]) != value);
        nodes[node][position] = bytes1(value);
        (ours, theirs) = _findBoth(nodes, root, index);
        vm.assertEq(ours, bytes32(0));
        vm.assertEq(theirs, bytes32(0));
        // With the root made to fit, the changed node is one that a proposer may have made. Theirs looks at all of a node,
        // ours only at what leads to the receipt: so ours may find one where theirs does not, but never another.
        (ours, theirs) = _findBoth(nodes, keccak256(nodes[0]), index);
        if (theirs != 0) vm.assertEq(ours, theirs);
    }

    /// @dev The test's own encoder agrees with the library that made the vectors, whose smaller tries it can make.
    function test_ownTriesAreThoseOfTheVectors() public view {
        string[4] memory paths = [".tries[0]", ".tries[1]", ".tries[2]", ".tries[3]"];
        for (uint256 i; i < paths.length; ++i) {
            uint256 count = vm.parseJsonUint(vectors, string.concat(paths[i], ".count"));
            bytes[] memory receipts = new bytes[](count);
            for (uint256 j; j < count; ++j) {
                receipts[j] = ExecutionBlocks.plainReceipt(j);
            }
            vm.assertEq(
                keccak256(ExecutionBlocks.rootNode(receipts)),
                vm.parseJsonBytes32(vectors, string.concat(paths[i], ".root"))
            );
        }
    }

    function find(bytes[] calldata nodes, bytes32 root, uint256 transactionIndex)
        external
        pure
        returns (bytes memory receipt)
    {
        (uint256 start, uint256 end) = ReceiptProof.find(nodes, root, transactionIndex);
        receipt = new bytes(end - start);
        assembly {
            calldatacopy(add(receipt, 0x20), start, sub(end, start))
        }
    }

    function findAsOpenZeppelin(bytes[] calldata nodes, bytes32 root, uint256 transactionIndex)
        external
        pure
        returns (bytes memory)
    {
        return TrieProof.traverse(root, RLP.encode(transactionIndex), nodes);
    }

    /// @dev The hashes of the receipts that both readers find; zero for none.
    function _findBoth(bytes[] memory nodes, bytes32 root, uint256 transactionIndex)
        private
        view
        returns (bytes32 ours, bytes32 theirs)
    {
        try this.find(nodes, root, transactionIndex) returns (bytes memory receipt) {
            ours = keccak256(receipt);
        } catch { }
        try this.findAsOpenZeppelin(nodes, root, transactionIndex) returns (bytes memory receipt) {
            theirs = keccak256(receipt);
        } catch { }
    }

    function _accept(ISettlement.ClaimEvidence memory evidence) private {
        vm.prank(CHALLENGER);
        settlement.challenge{ value: rules.refuteBondWei }(evidence, REFUTE);
    }

    function _expectRefused(ISettlement.ClaimEvidence memory evidence, bytes4 selector) private {
        vm.prank(CHALLENGER);
        (bool ok, bytes memory why) = address(settlement).call{ value: rules.refuteBondWei }(
            abi.encodeCall(settlement.challenge, (evidence, REFUTE))
        );
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(why)), bytes32(selector));
    }

    function _resized(bytes[] memory nodes, uint256 count) private pure returns (bytes[] memory resized) {
        resized = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            resized[i] = nodes[i < nodes.length ? i : nodes.length - 1];
        }
    }

    function _cut(bytes memory data, uint256 length) private pure returns (bytes memory cut) {
        cut = new bytes(length);
        for (uint256 i; i < length; ++i) {
            cut[i] = data[i];
        }
    }

    function _from(bytes memory data, uint256 first) private pure returns (bytes memory rest) {
        rest = new bytes(data.length - first);
        for (uint256 i; i < rest.length; ++i) {
            rest[i] = data[first + i];
        }
    }
}
