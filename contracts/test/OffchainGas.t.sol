// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { MockExecutor } from "./base/MockExecutor.sol";
import { OffchainFixture } from "./base/OffchainFixture.sol";
import { HostileSigner } from "./hostile/HostileSigner.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { OffchainPriceConsumer } from "../src/examples/OffchainPriceConsumer.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";

/// @dev Gas of whole transactions, the 21,000 and the calldata included: each call runs as one.
/// forge-config: default.isolate = true
contract OffchainGasTest is OffchainFixture {
    uint256 private constant BATCH = 8;
    address private constant PAYER = address(0xFEE);

    OffchainPriceConsumer private prices;

    function setUp() public override {
        super.setUp();
        prices = new OffchainPriceConsumer(vm.addr(SIGNER_KEY));
        MANAGER.deposit{ value: 1000 ether }(address(prices));
        MANAGER.deposit{ value: 1 ether }(PROPOSER);
        MANAGER.deposit{ value: 1 ether }(PROVER);
        _land(_priceEntry(0, false));
        _land(_priceEntry(0, true));
    }

    function test_unorderedInBatchOf8() public {
        _landBatch(false);
        vm.snapshotValue("offchain job, each in a batch of 8", vm.lastCallGas().gasTotalUsed / BATCH);
        vm.assertEq(prices.updates(), BATCH + 2);
    }

    function test_orderedInBatchOf8() public {
        _landBatch(true);
        vm.snapshotValue("offchain job, ordered, each in a batch of 8", vm.lastCallGas().gasTotalUsed / BATCH);
        vm.assertEq(prices.updates(), BATCH + 2);
    }

    function test_alone() public {
        _land(_priceEntry(1, false));
        vm.snapshotValue("offchain job, alone", vm.lastCallGas().gasTotalUsed);
    }

    /// @dev The dearest entry there is, alone in its transaction: the check takes all the gas it may, another account
    /// pays, and everything of consumer and payer is touched for the first time. What is paid for delivery covers it.
    function test_inclusionIsPaidForWhateverTheConsumerDoes() public {
        HostileSigner signer = new HostileSigner();
        MANAGER.deposit{ value: 100 ether }(PAYER);
        vm.prank(PAYER);
        MANAGER.approve(address(signer), 100 ether);
        signer.setMood(HostileSigner.Mood.AcceptsLate);
        IOffchainJobs.JobRequest memory request = _requestOf(address(signer), 0);
        request.feePayer = PAYER;
        request.ordered = true;
        request.callbackGasLimit = 0;
        _land(_signedEntry(request, "", "output"));
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.assertEq(MANAGER.orderedNonceOf(address(signer)), 1);
        vm.snapshotValue("offchain job, alone, dearest check, no callback", used);
        vm.assertLe(used, INCLUSION_GAS);
    }

    function test_run() public {
        vm.etch(Predeploys.EXECUTOR, type(MockExecutor).runtimeCode);
        bytes memory input = abi.encode(
            MockExecutor.Script({ step: MockExecutor.Step.Succeed, cycles: 1000, output: abi.encode(uint256(3)) })
        );
        MANAGER.execute(PROGRAM_ID, input, 5000);
        MANAGER.execute(PROGRAM_ID, input, 5000);
        vm.snapshotValue("execute, the node's part not counted but for a mock of it", vm.lastCallGas().gasTotalUsed);
    }

    function _landBatch(bool ordered) private {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](BATCH);
        for (uint64 i; i < BATCH; ++i) {
            entries[i] = _priceEntry(1 + i, ordered);
        }
        _land(entries);
    }

    function _priceEntry(uint64 number, bool ordered) private view returns (IOffchainJobs.OffchainResult memory) {
        IOffchainJobs.JobRequest memory request = _requestOf(address(prices), number);
        request.ordered = ordered;
        request.onchainInput = hex"09";
        return _entry(request, abi.encode(uint256(3)));
    }
}
