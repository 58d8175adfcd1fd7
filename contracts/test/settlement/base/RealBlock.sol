// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../../src/interfaces/ISettlement.sol";
import { SettlementFixture } from "./SettlementFixture.sol";
import { Settlement } from "../../../src/settlement/Settlement.sol";
import { Predeploys } from "../../../src/Predeploys.sol";

/// @dev The block of `test/vectors/receipts.json`: 150 transactions, of which the first posts a batch of eight results and
/// the 51st one of three. Made by a library that is not ours.
abstract contract RealBlock is SettlementFixture {
    /// @dev Claims of the vectors: the first and the last of the batch of eight, the second of the batch of three, and two
    /// of contracts that ran a job in a transaction of their own.
    uint256 internal constant FIRST_OF_8 = 0;
    uint256 internal constant LAST_OF_8 = 1;
    uint256 internal constant SECOND_OF_3 = 2;
    uint256 internal constant SYNC = 3;
    uint256 internal constant SYNC_BEHIND_128 = 4;
    uint256 internal constant CLAIMS = 5;

    string internal vectors;
    bytes internal header;
    bytes32 internal blockHash;
    uint64 internal number;
    uint64 internal timestamp;

    function setUp() public virtual override {
        super.setUp();
        vectors = vm.readFile("test/vectors/receipts.json");
        header = vm.parseJsonBytes(vectors, ".block.header");
        blockHash = vm.parseJsonBytes32(vectors, ".block.hash");
        number = uint64(vm.parseJsonUint(vectors, ".block.number"));
        timestamp = uint64(vm.parseJsonUint(vectors, ".block.timestamp"));
        vm.warp(timestamp);
        settlement = _deployBelow(vm.parseJsonBytes32(vectors, ".block.parentHash"));
    }

    function _deployBelow(bytes32 parentHash) private returns (Settlement) {
        uint256 bondsWei = 2 * uint256(rules.proposerBondWei);
        vm.deal(address(this), bondsWei);
        ISettlement.ExecutionGenesis memory genesis =
            ISettlement.ExecutionGenesis({ hash: parentHash, number: number - 1, timestamp: timestamp - 1 });
        return
            new Settlement{ value: bondsWei }(rules, OWNER, verifier, Predeploys.JOB_MANAGER, genesis, _twoProposers());
    }

    function _proposeRealBlock() internal {
        vm.prank(PROPOSER);
        settlement.propose(header);
    }

    function _evidence(uint256 which) internal view returns (ISettlement.ClaimEvidence memory) {
        string memory claim = _at(which);
        return ISettlement.ClaimEvidence({
            header: header,
            transactionIndex: vm.parseJsonUint(vectors, string.concat(claim, ".transactionIndex")),
            receiptProof: vm.parseJsonBytesArray(vectors, string.concat(claim, ".receiptProof")),
            logIndex: vm.parseJsonUint(vectors, string.concat(claim, ".logIndex"))
        });
    }

    function _keyAt(uint256 which) internal view returns (ISettlement.ClaimKey memory) {
        ISettlement.ClaimEvidence memory evidence = _evidence(which);
        return ISettlement.ClaimKey({
            blockHash: blockHash,
            transactionIndex: evidence.transactionIndex,
            logIndex: evidence.logIndex,
            statementHash: keccak256(abi.encode(_statementAt(which)))
        });
    }

    function _statementAt(uint256 which) internal view returns (ISettlement.Statement memory) {
        string memory claim = _at(which);
        return ISettlement.Statement({
            programId: vm.parseJsonBytes32(vectors, string.concat(claim, ".programId")),
            inputCommitment: vm.parseJsonBytes32(vectors, string.concat(claim, ".inputCommitment")),
            outcomeHash: vm.parseJsonBytes32(vectors, string.concat(claim, ".outcomeHash"))
        });
    }

    function _at(uint256 which) internal pure returns (string memory) {
        string[5] memory paths =
            [".block.claims[0]", ".block.claims[1]", ".block.claims[2]", ".block.claims[3]", ".block.claims[4]"];
        return paths[which];
    }
}
