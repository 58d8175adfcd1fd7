// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./base/Fixture.sol";
import { Commitments } from "../src/Commitments.sol";
import { Consumer } from "../src/Consumer.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { StatefulConsumer } from "../src/StatefulConsumer.sol";

contract Ledger is StatefulConsumer {
    bytes public latestAppOutput;

    function advance(bytes32 programId, bytes calldata appInput) external payable returns (bytes32 jobId) {
        return _requestTransition(
            programId, appInput, Commitments.EMPTY_HASH, 1_000_000, 100_000, uint64(block.number) + 50
        );
    }

    function _onTransition(bytes32, bytes memory appOutput) internal override {
        latestAppOutput = appOutput;
    }
}

contract StatefulConsumerTest is Fixture {
    bytes32 private constant FIRST_ROOT = keccak256("first root");
    bytes32 private constant SECOND_ROOT = keccak256("second root");

    Ledger private ledger;

    function setUp() public override {
        super.setUp();
        ledger = new Ledger();
    }

    function test_outcomesChainRoots() public {
        bytes32 firstId = _advance();
        vm.expectEmit(address(ledger));
        emit StatefulConsumer.StateAdvanced(firstId, 0, FIRST_ROOT);
        _deliver(0, 0, FIRST_ROOT);
        vm.assertEq(ledger.stateRoot(), FIRST_ROOT);
        vm.assertEq(ledger.latestAppOutput(), "app output");

        _advance();
        _deliver(1, FIRST_ROOT, SECOND_ROOT);
        vm.assertEq(ledger.stateRoot(), SECOND_ROOT);
    }

    function test_supersededJobIsStale() public {
        bytes32 firstId = _advance();
        bytes32 secondId = _advance();
        IJobManager.Job memory first = _deliver(0, 0, FIRST_ROOT);
        vm.assertEq(ledger.stateRoot(), 0);
        vm.assertTrue(MANAGER.jobState(firstId) == IJobManager.JobState.CallbackFailed);

        _deliver(1, 0, SECOND_ROOT);
        vm.assertEq(ledger.stateRoot(), SECOND_ROOT);

        vm.expectRevert(abi.encodeWithSelector(IJobManager.DeliveryFailed.selector, firstId));
        MANAGER.retryDelivery(first, 0, _output(FIRST_ROOT));

        vm.expectRevert(abi.encodeWithSelector(StatefulConsumer.StaleJob.selector, firstId, secondId));
        vm.prank(Predeploys.JOB_MANAGER);
        ledger.receiveResult(firstId, 0, _output(FIRST_ROOT));
    }

    function test_panicAndExpiryLeaveTheRoot() public {
        bytes32 jobId = _advance();
        vm.prank(Predeploys.JOB_MANAGER);
        ledger.receiveResult(jobId, 1, "message");
        vm.prank(Predeploys.JOB_MANAGER);
        ledger.receiveExpiry(jobId);
        vm.assertEq(ledger.stateRoot(), 0);
    }

    function test_onlyTheJobManagerCallsBack() public {
        bytes memory refused =
            abi.encodeWithSelector(Consumer.NotJobManager.selector, address(this), Predeploys.JOB_MANAGER);
        vm.expectRevert(refused);
        ledger.receiveResult(0, 0, "");
        vm.expectRevert(refused);
        ledger.receiveExpiry(0);
    }

    function _advance() private returns (bytes32 jobId) {
        return ledger.advance{ value: FEE_WEI }(PROGRAM_ID, "app input");
    }

    function _deliver(uint64 nonce, bytes32 previousRoot, bytes32 newRoot)
        private
        returns (IJobManager.Job memory job)
    {
        job = _job(address(ledger), nonce, abi.encode(previousRoot, bytes("app input")));
        _submit(_result(job, 0, 1, _output(newRoot)));
    }

    function _output(bytes32 newRoot) private pure returns (bytes memory) {
        return abi.encode(newRoot, bytes("app output"));
    }
}
