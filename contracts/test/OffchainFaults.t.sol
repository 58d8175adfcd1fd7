// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OffchainFixture } from "./base/OffchainFixture.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";
import { JobKinds } from "../src/jobs/JobKinds.sol";
import { Limits } from "../src/Limits.sol";

/// @dev What is wrong with requests, said alike before the work and when they land.
contract OffchainFaultsTest is OffchainFixture {
    IOffchainJobs.JobRequest private request;

    function setUp() public override {
        super.setUp();
        request = _request(0);
    }

    function test_numberOfMoreThan62Bits() public {
        request.nonce = JobKinds.NUMBERS;
        _expectFault(IOffchainJobs.RequestFault.NonceTooLarge);
        vm.assertFalse(MANAGER.isNonceUsed(address(signed), JobKinds.NUMBERS));
    }

    function test_deadline() public {
        vm.roll(DEADLINE_BLOCK);
        _fault(request, IOffchainJobs.RequestFault.None);
        vm.roll(DEADLINE_BLOCK + 1);
        _expectFault(IOffchainJobs.RequestFault.DeadlinePassed);

        vm.roll(FIRST_BLOCK);
        request.deadlineBlock = FIRST_BLOCK + MAX_DEADLINE_BLOCKS + 1;
        _expectFault(IOffchainJobs.RequestFault.DeadlineTooFar);
        request.deadlineBlock = type(uint64).max;
        _expectFault(IOffchainJobs.RequestFault.DeadlineTooFar);
    }

    function test_deadlineBlockItselfCarriesTheJob() public {
        vm.roll(DEADLINE_BLOCK);
        _land(_entry(request, "output"));
        vm.assertEq(signed.told(), 1);
    }

    function test_programThatIsNotRegistered() public {
        request.programId = keccak256("unknown");
        _expectFault(IOffchainJobs.RequestFault.UnknownProgram);
    }

    function test_bounds() public {
        request.maxCycles = 0;
        _fault(request, IOffchainJobs.RequestFault.MaxCyclesZero);
        request.maxCycles = Limits.MAX_CYCLES_PER_JOB + 1;
        _expectFault(IOffchainJobs.RequestFault.MaxCyclesTooHigh);
        request.maxCycles = MAX_CYCLES;
        request.callbackGasLimit = Limits.MAX_CALLBACK_GAS + 1;
        _expectFault(IOffchainJobs.RequestFault.CallbackGasTooHigh);
        request.callbackGasLimit = CALLBACK_GAS_LIMIT;
        request.onchainInput = new bytes(Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES + 1);
        _expectFault(IOffchainJobs.RequestFault.InputTooLarge);
    }

    function test_largestRequestLands() public {
        request.onchainInput = new bytes(Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES);
        request.maxCycles = Limits.MAX_CYCLES_PER_JOB;
        request.callbackGasLimit = Limits.MAX_CALLBACK_GAS;
        request.deadlineBlock = FIRST_BLOCK + MAX_DEADLINE_BLOCKS;
        _fault(request, IOffchainJobs.RequestFault.None);
        IOffchainJobs.OffchainResult memory entry = _entry(request, new bytes(Limits.MAX_OUTPUT_SIZE_BYTES));
        _land(entry);
        vm.assertTrue(MANAGER.isNonceUsed(address(signed), 0));
    }

    function test_consumerWithoutCode() public {
        request.consumer = address(0xBEEF);
        request.feePayer = address(0xBEEF);
        MANAGER.deposit{ value: 1 ether }(address(0xBEEF));
        _expectFault(IOffchainJobs.RequestFault.ConsumerWithoutCode);
    }

    function test_feeOverWhatTheSignerAllows() public {
        request.maxFeeWei = _feeWei(request, MAX_CYCLES);
        _fault(request, IOffchainJobs.RequestFault.None);
        request.maxFeeWei -= 1;
        _fault(request, IOffchainJobs.RequestFault.FeeOverMax);
        // When it lands, only what was used counts.
        request.maxFeeWei = _feeWei(request, CYCLES) - 1;
        _expectFault(IOffchainJobs.RequestFault.FeeOverMax);
        request.maxFeeWei += 1;
        _land(_entry(request, "output"));
        vm.assertEq(signed.told(), 1);
    }

    function test_priceThatRoseBetweenEstimateAndInclusion() public {
        request.maxFeeWei = _feeWei(request, MAX_CYCLES);
        _fault(request, IOffchainJobs.RequestFault.None);
        _setParameters(CYCLES, MAX_SYNC_CYCLES);
        _land(_twiceTheTarget());
        _fault(request, IOffchainJobs.RequestFault.None);

        vm.roll(FIRST_BLOCK + 1);
        vm.assertEq(MANAGER.cyclePriceWei(), CYCLE_PRICE_WEI + CYCLE_PRICE_WEI / 8);
        _fault(request, IOffchainJobs.RequestFault.FeeOverMax);
        IOffchainJobs.OffchainResult memory entry = _entry(request, "output");
        entry.cycles = MAX_CYCLES;
        _expectSkipped(entry, IOffchainJobs.RequestFault.FeeOverMax);
    }

    function test_accountThatDoesNotHoldTheFee() public {
        uint256 mostWei = _feeWei(request, MAX_CYCLES);
        vm.prank(address(signed));
        MANAGER.withdraw(FUNDS_WEI - mostWei, payable(address(0xDEAD)));
        _fault(request, IOffchainJobs.RequestFault.None);
        vm.prank(address(signed));
        MANAGER.withdraw(1, payable(address(0xDEAD)));
        _fault(request, IOffchainJobs.RequestFault.InsufficientFunds);
        vm.prank(address(signed));
        MANAGER.withdraw(mostWei - 1, payable(address(0xDEAD)));
        _expectFault(IOffchainJobs.RequestFault.InsufficientFunds);
    }

    function test_outcomesOutOfBounds() public {
        IOffchainJobs.OffchainResult memory entry = _entry(request, "output");
        entry.status = 2;
        _expectSkipped(entry, IOffchainJobs.RequestFault.StatusInvalid);
        entry.status = 0;
        entry.cycles = MAX_CYCLES + 1;
        _expectSkipped(entry, IOffchainJobs.RequestFault.CyclesOverMax);
        entry.cycles = CYCLES;
        entry.output = new bytes(Limits.MAX_OUTPUT_SIZE_BYTES + 1);
        _expectSkipped(entry, IOffchainJobs.RequestFault.OutputTooLarge);
        entry.status = 1;
        entry.output = new bytes(Limits.MAX_PANIC_MESSAGE_SIZE_BYTES + 1);
        _expectSkipped(entry, IOffchainJobs.RequestFault.OutputTooLarge);
        vm.assertFalse(MANAGER.isNonceUsed(address(signed), 0));
    }

    function test_badEntriesDoNotHurtGoodOnes() public {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](3);
        entries[0] = _entry(request, "bad");
        entries[0].signature = "";
        entries[1] = _entry(_request(1), "good");
        entries[2] = _entry(_request(2), "bad");
        entries[2].cycles = MAX_CYCLES + 1;
        _land(entries);
        vm.assertEq(signed.outputOf(_idOf(_request(1))), "good");
        vm.assertEq(signed.told(), 1);
    }

    /// @dev One rule: whatever request is fine before the work lands in the same block, and whatever lands was fine.
    function testFuzz_checkAndLandingAgree(IOffchainJobs.JobRequest memory any, uint8 mask) public {
        if (mask & 1 != 0) request.nonce = any.nonce;
        if (mask & 2 != 0) request.deadlineBlock = FIRST_BLOCK - 2 + any.deadlineBlock % (MAX_DEADLINE_BLOCKS + 4);
        if (mask & 4 != 0) request.maxCycles = any.maxCycles % (2 * Limits.MAX_CYCLES_PER_JOB);
        if (mask & 8 != 0) request.callbackGasLimit = any.callbackGasLimit % (2 * Limits.MAX_CALLBACK_GAS);
        if (mask & 16 != 0) request.maxFeeWei = any.maxFeeWei % 4 ether;
        if (mask & 32 != 0) request.programId = any.programId;
        if (mask & 64 != 0) request.feePayer = any.feePayer;
        request.onchainInput = any.onchainInput;
        IOffchainJobs.OffchainResult memory entry = _entry(request, "output");
        entry.cycles = request.maxCycles;
        bool fine = MANAGER.checkRequest(request, entry.signature) == IOffchainJobs.RequestFault.None;
        _land(entry);
        vm.assertTrue(MANAGER.isNonceUsed(address(signed), request.nonce) == fine);
    }

    function _expectFault(IOffchainJobs.RequestFault fault) private {
        _fault(request, fault);
        IOffchainJobs.OffchainResult memory entry = _entry(request, "output");
        _expectSkipped(entry, fault);
    }

    function _twiceTheTarget() private view returns (IOffchainJobs.OffchainResult memory entry) {
        entry = _entry(_request(1), "output");
        entry.cycles = 2 * CYCLES;
    }
}
