// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { SignedConsumer } from "./consumers/SignedConsumer.sol";
import { OffchainFixture } from "./base/OffchainFixture.sol";
import { Commitments } from "../src/Commitments.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";
import { JobKinds } from "../src/jobs/JobKinds.sol";

/// @dev Requests by signature that land: what is logged, charged, delivered, and in which order.
contract OffchainTest is OffchainFixture {
    address private constant PAYER = address(0xFEE);

    function test_requestAndResultLandTogether() public {
        IOffchainJobs.JobRequest memory request = _request(7);
        _fault(request, IOffchainJobs.RequestFault.None);
        bytes32 jobId = _idOf(request);
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobRequested(
            jobId,
            address(signed),
            PROGRAM_ID,
            JobKinds.offchainNonce(false, 7),
            Commitments.EMPTY_HASH,
            MAX_CYCLES,
            CALLBACK_GAS_LIMIT,
            DEADLINE_BLOCK,
            CYCLE_PRICE_WEI,
            "input"
        );
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.ClaimPosted(
            jobId,
            PROGRAM_ID,
            Commitments.input(keccak256("input"), Commitments.EMPTY_HASH),
            MAX_CYCLES,
            _outcomeHash(0, "output"),
            CYCLES
        );
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobDelivered(jobId, true);
        _land(_entry(request, "output"));

        vm.assertEq(signed.outputOf(jobId), "output");
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Delivered);
        vm.assertTrue(MANAGER.isOutcome(_jobOf(request), 0, "output"));
        vm.assertFalse(MANAGER.isOutcome(_jobOf(request), 0, "another"));
        vm.assertEq(MANAGER.load().postedCycles, CYCLES);
    }

    function test_payerIsChargedForCyclesUsedAndDelivery() public {
        IOffchainJobs.JobRequest memory request = _request(0);
        vm.assertEq(MANAGER.quoteRequest(request, SIGNATURE_SIZE), _feeWei(request, MAX_CYCLES));
        _land(_entry(request, "output"));
        uint256 feeWei = _feeWei(request, CYCLES);
        vm.assertEq(MANAGER.balanceOf(address(signed)), FUNDS_WEI - feeWei);
        vm.assertEq(MANAGER.balanceOf(PROVER), _proverWei(CYCLES));
        vm.assertEq(MANAGER.balanceOf(PROPOSER), feeWei - _proverWei(CYCLES));
    }

    function test_numberIsUsedOnce() public {
        IOffchainJobs.JobRequest memory request = _request(3);
        vm.assertFalse(MANAGER.isNonceUsed(address(signed), 3));
        _land(_entry(request, "output"));
        vm.assertTrue(MANAGER.isNonceUsed(address(signed), 3));
        _fault(request, IOffchainJobs.RequestFault.NonceUsed);
        _expectSkipped(_entry(request, "output"), IOffchainJobs.RequestFault.NonceUsed);

        IOffchainJobs.JobRequest memory replacement = _request(3);
        replacement.onchainInput = "replacement";
        _expectSkipped(_entry(replacement, "output"), IOffchainJobs.RequestFault.NonceUsed);
        vm.assertEq(signed.told(), 1);
    }

    function test_numbersOfDifferentKindsAndConsumersDoNotMeet() public {
        SignedConsumer other = new SignedConsumer(vm.addr(SIGNER_KEY));
        MANAGER.deposit{ value: 1 ether }(address(other));
        vm.prank(address(signed));
        MANAGER.requestJob(PROGRAM_ID, "input", Commitments.EMPTY_HASH, 1, 0, DEADLINE_BLOCK);
        _land(_entry(_request(0), "unordered"));
        _land(_entry(_orderedRequest(0), "ordered"));
        _land(_entry(_requestOf(address(other), 0), "other"));
        vm.assertEq(signed.told(), 2);
        vm.assertEq(other.told(), 1);
        vm.assertTrue(MANAGER.jobState(_jobId(address(signed), 0)) == IJobManager.JobState.Pending);
    }

    function test_numbersAreTakenInAnyOrder() public {
        uint64[3] memory numbers = [JobKinds.NUMBERS - 1, 0, 1 << 40];
        for (uint256 i; i < numbers.length; ++i) {
            _land(_entry(_request(numbers[i]), "output"));
        }
        vm.assertEq(signed.told(), 3);
    }

    function test_orderedJobsLandInOrder() public {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](4);
        entries[0] = _entry(_orderedRequest(1), "early");
        entries[1] = _entry(_orderedRequest(0), "first");
        entries[2] = _entry(_orderedRequest(1), "second");
        entries[3] = _entry(_orderedRequest(0), "late");
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.OffchainResultSkipped(address(signed), 1, IOffchainJobs.RequestFault.NotNextInOrder);
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.OffchainResultSkipped(address(signed), 0, IOffchainJobs.RequestFault.NonceUsed);
        _land(entries);
        vm.assertEq(signed.outputOf(_idOf(_orderedRequest(0))), "first");
        vm.assertEq(signed.outputOf(_idOf(_orderedRequest(1))), "second");
        vm.assertEq(MANAGER.orderedNonceOf(address(signed)), 2);
    }

    function test_orderedRequestMayWaitForItsTurn() public {
        _fault(_orderedRequest(5), IOffchainJobs.RequestFault.None);
        _expectSkipped(_entry(_orderedRequest(5), "early"), IOffchainJobs.RequestFault.NotNextInOrder);
        _land(_entry(_orderedRequest(0), "first"));
        _fault(_orderedRequest(0), IOffchainJobs.RequestFault.NonceUsed);
    }

    function test_stuckOrderedRequestIsReplaced() public {
        // Its price has become too high: nothing after it could land.
        IOffchainJobs.JobRequest memory stuck = _orderedRequest(0);
        stuck.maxFeeWei = 1;
        _expectSkipped(_entry(stuck, "stuck"), IOffchainJobs.RequestFault.FeeOverMax);
        _land(_entry(_orderedRequest(0), "replacement"));
        _land(_entry(_orderedRequest(1), "next"));
        vm.assertEq(MANAGER.orderedNonceOf(address(signed)), 2);
    }

    function test_orderGoesOnWhenACallbackFails() public {
        signed.setMood(true);
        _land(_entry(_orderedRequest(0), "refused"));
        signed.setMood(false);
        _land(_entry(_orderedRequest(1), "taken"));
        vm.assertEq(signed.told(), 1);

        MANAGER.retryDelivery(_jobOf(_orderedRequest(0)), 0, "refused");
        vm.assertEq(signed.outputOf(_idOf(_orderedRequest(0))), "refused");
        vm.assertEq(signed.told(), 2);
    }

    function test_panicIsDeliveredAsSuch() public {
        IOffchainJobs.OffchainResult memory entry = _entry(_request(0), "message");
        entry.status = 1;
        _land(entry);
        vm.assertTrue(MANAGER.isOutcome(_jobOf(entry.request), 1, "message"));
        vm.assertEq(signed.outputOf(_idOf(entry.request)), "message");
    }

    function test_anotherAccountPaysWhatItAllows() public {
        IOffchainJobs.JobRequest memory request = _request(0);
        request.feePayer = PAYER;
        uint256 feeWei = _feeWei(request, CYCLES);
        uint256 mostWei = _feeWei(request, MAX_CYCLES);
        MANAGER.deposit{ value: 1 ether }(PAYER);
        _fault(request, IOffchainJobs.RequestFault.AllowanceTooLow);

        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.SpendingApproved(PAYER, address(signed), mostWei);
        vm.prank(PAYER);
        MANAGER.approve(address(signed), mostWei);
        _fault(request, IOffchainJobs.RequestFault.None);
        _land(_entry(request, "output"));

        vm.assertEq(MANAGER.balanceOf(PAYER), 1 ether - feeWei);
        vm.assertEq(MANAGER.balanceOf(address(signed)), FUNDS_WEI);
        vm.assertEq(MANAGER.allowance(PAYER, address(signed)), mostWei - feeWei);
        IOffchainJobs.JobRequest memory next = _request(1);
        next.feePayer = PAYER;
        _fault(next, IOffchainJobs.RequestFault.AllowanceTooLow);
        _expectSkipped(_dearest(next), IOffchainJobs.RequestFault.AllowanceTooLow);
    }

    function test_allowanceIsForOneConsumerAndCanEnd() public {
        SignedConsumer other = new SignedConsumer(vm.addr(SIGNER_KEY));
        MANAGER.deposit{ value: 1 ether }(PAYER);
        vm.prank(PAYER);
        MANAGER.approve(address(signed), 1 ether);
        IOffchainJobs.JobRequest memory request = _requestOf(address(other), 0);
        request.feePayer = PAYER;
        _fault(request, IOffchainJobs.RequestFault.AllowanceTooLow);

        request = _request(0);
        request.feePayer = PAYER;
        _fault(request, IOffchainJobs.RequestFault.None);
        vm.prank(PAYER);
        MANAGER.approve(address(signed), 0);
        _expectSkipped(_entry(request, "output"), IOffchainJobs.RequestFault.AllowanceTooLow);
    }

    function test_batchIsChargedEntryByEntry() public {
        // The account pays for two: the third finds it empty, and does not hurt them.
        IOffchainJobs.JobRequest memory request = _request(0);
        uint256 feeWei = _feeWei(request, CYCLES);
        vm.prank(address(signed));
        MANAGER.withdraw(FUNDS_WEI - 2 * feeWei - 1, payable(address(0xDEAD)));
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](3);
        for (uint64 i; i < 3; ++i) {
            entries[i] = _entry(_request(i), "output");
        }
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.OffchainResultSkipped(address(signed), 2, IOffchainJobs.RequestFault.InsufficientFunds);
        _land(entries);
        vm.assertEq(signed.told(), 2);
        vm.assertEq(MANAGER.balanceOf(address(signed)), 1);
    }

    function test_onlyProposerPosts() public {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](0);
        vm.expectRevert(abi.encodeWithSelector(IJobManager.NotProposer.selector, address(this), PROPOSER));
        MANAGER.submitOffchainResults(entries);
    }

    function testFuzz_feeIsSplitToTheWei(uint64 cycles, uint16 inputSize, uint64 callbackGas) public {
        IOffchainJobs.JobRequest memory request = _request(0);
        request.onchainInput = new bytes(inputSize % 4096);
        request.callbackGasLimit = CALLBACK_GAS_LIMIT + callbackGas % 1_000_000;
        IOffchainJobs.OffchainResult memory entry = _entry(request, "output");
        entry.cycles = cycles % (MAX_CYCLES + 1);
        _land(entry);
        uint256 feeWei = _feeWei(request, entry.cycles);
        vm.assertEq(MANAGER.balanceOf(address(signed)), FUNDS_WEI - feeWei);
        vm.assertEq(MANAGER.balanceOf(PROVER), _proverWei(entry.cycles));
        vm.assertEq(MANAGER.balanceOf(PROPOSER) + MANAGER.balanceOf(PROVER), feeWei);
    }

    /// @dev An entry that uses all the cycles it may.
    function _dearest(IOffchainJobs.JobRequest memory request)
        private
        view
        returns (IOffchainJobs.OffchainResult memory entry)
    {
        entry = _entry(request, "output");
        entry.cycles = request.maxCycles;
    }
}
