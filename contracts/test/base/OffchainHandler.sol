// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { MockExecutor } from "./MockExecutor.sol";
import { SignedRequests } from "./SignedRequests.sol";
import { Vm } from "./Test.sol";
import { SignedConsumer } from "../consumers/SignedConsumer.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../../src/interfaces/IOffchainJobs.sol";
import { JobKinds } from "../../src/jobs/JobKinds.sol";

/// @dev Asks by signature and runs programs as forge chooses, and keeps account of what came of it.
contract OffchainHandler is SignedRequests {
    address private constant STRANGER = address(0xBAD);

    /// @dev So few numbers that they meet.
    uint64 private constant NUMBERS = 6;

    SignedConsumer[3] private consumers;
    mapping(bytes32 jobId => uint256) public claimsOf;
    bytes32[] private claimed;
    mapping(bytes32 jobId => bool) private wasRevoked;

    /// @dev What ordered jobs of a consumer should come next, by the claims seen.
    mapping(address consumer => uint64) private nextOrdered;

    /// @dev Something happened that must not.
    bool public sawForbiddenMove;

    constructor() {
        for (uint256 i; i < consumers.length; ++i) {
            consumers[i] = new SignedConsumer(vm.addr(SIGNER_KEY));
        }
    }

    function deposit(uint256 which, uint64 amountWei) external {
        MANAGER.deposit{ value: amountWei }(address(_consumer(which)));
    }

    function withdraw(uint256 which, uint256 amountWei) external {
        address owner = which % 4 == 3 ? PROVER : address(_consumer(which));
        uint256 heldWei = MANAGER.balanceOf(owner);
        vm.prank(owner);
        MANAGER.withdraw(amountWei % (heldWei + 1), payable(STRANGER));
    }

    function approve(uint256 which, uint256 other, uint64 amountWei) external {
        _consumer(which).approve(address(_consumer(other)), amountWei);
    }

    function setMood(uint256 which, bool refuses) external {
        _consumer(which).setMood(refuses);
    }

    /// @dev Lands two entries: of any number and kind, paid by any consumer, used up to any part of the cycles.
    function land(uint256 which, uint256 payer, uint64 number, bool ordered, uint64 cycles) external {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](2);
        entries[0] = _anyEntry(which, payer, number, ordered, cycles);
        entries[1] = _anyEntry(which, which, number % NUMBERS + 1, ordered, cycles / 2);
        IOffchainJobs.JobRequest memory first = entries[0].request;
        bool fine = MANAGER.checkRequest(first, entries[0].signature) == IOffchainJobs.RequestFault.None;
        bool itsTurn = !ordered || first.nonce == MANAGER.orderedNonceOf(first.consumer);
        uint256 claimsBefore = claimsOf[_idOf(first)];
        vm.recordLogs();
        _land(entries);
        _countClaims();
        if (fine && itsTurn && claimsOf[_idOf(first)] == claimsBefore) sawForbiddenMove = true;
    }

    function landAsStranger(uint256 which) external {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](1);
        entries[0] = _anyEntry(which, which, 0, false, 0);
        entries[0].request.maxFeeWei = type(uint256).max;
        entries[0].signature = _sign(entries[0].request);
        vm.prank(STRANGER);
        (bool ok,) = address(MANAGER).call(abi.encodeCall(MANAGER.submitOffchainResults, (entries)));
        if (ok) sawForbiddenMove = true;
    }

    /// @dev Retries a job of this block; those of others had other deadlines, and are not found so.
    function retry(uint256 which, uint64 number, bool ordered) external {
        SignedConsumer consumer = _consumer(which);
        IOffchainJobs.JobRequest memory request = _anyEntry(which, which, number, ordered, 0).request;
        bytes32 jobId = _idOf(request);
        uint256 times = consumer.timesTold(jobId);
        bool failed = MANAGER.jobState(jobId) == IJobManager.JobState.CallbackFailed;
        (bool ok,) = address(MANAGER).call(abi.encodeCall(MANAGER.retryDelivery, (_jobOf(request), 0, "output")));
        if (ok && (!failed || consumer.refuses() || times != 0)) sawForbiddenMove = true;
    }

    function run(uint32 cycles, uint32 maxCycles) external {
        bytes memory input =
            abi.encode(MockExecutor.Script({ step: MockExecutor.Step.Succeed, cycles: cycles, output: "output" }));
        vm.recordLogs();
        (bool ok,) = address(MANAGER).call(abi.encodeCall(MANAGER.execute, (PROGRAM_ID, input, maxCycles)));
        if (ok) _countClaims();
    }

    /// @dev Revokes a number; what is used, or not next, must not be revocable.
    function revoke(uint256 which, uint64 number, bool ordered) external {
        address consumer = address(_consumer(which));
        number %= NUMBERS;
        bool may = ordered ? number == MANAGER.orderedNonceOf(consumer) : !MANAGER.isNonceUsed(consumer, number);
        vm.prank(consumer);
        (bool ok,) = address(MANAGER).call(abi.encodeCall(MANAGER.revokeNumber, (number, ordered)));
        if (ok != may) sawForbiddenMove = true;
        if (!ok) return;
        IOffchainJobs.JobRequest memory request = _requestOf(consumer, number);
        request.ordered = ordered;
        wasRevoked[_idOf(request)] = true;
        if (ordered) ++nextOrdered[consumer];
    }

    function passBlocks(uint8 count) external {
        vm.roll(block.number + count % 80);
    }

    function claimCount() external view returns (uint256) {
        return claimed.length;
    }

    function claimAt(uint256 index) external view returns (bytes32) {
        return claimed[index];
    }

    function timesTold(bytes32 jobId) external view returns (uint256 times) {
        for (uint256 i; i < consumers.length; ++i) {
            times += consumers[i].timesTold(jobId);
        }
    }

    function orderedNoncesAreThoseClaimed() external view returns (bool) {
        for (uint256 i; i < consumers.length; ++i) {
            if (MANAGER.orderedNonceOf(address(consumers[i])) != nextOrdered[address(consumers[i])]) return false;
        }
        return true;
    }

    function sumOfBalances() external view returns (uint256 sumWei) {
        sumWei = MANAGER.balanceOf(PROPOSER) + MANAGER.balanceOf(PROVER) + MANAGER.balanceOf(address(this));
        for (uint256 i; i < consumers.length; ++i) {
            sumWei += MANAGER.balanceOf(address(consumers[i]));
        }
    }

    function _anyEntry(uint256 which, uint256 payer, uint64 number, bool ordered, uint64 cycles)
        private
        view
        returns (IOffchainJobs.OffchainResult memory entry)
    {
        IOffchainJobs.JobRequest memory request = _requestOf(address(_consumer(which)), number % NUMBERS);
        request.feePayer = address(_consumer(payer));
        request.ordered = ordered;
        request.deadlineBlock = uint64(block.number) + 1;
        entry = _entry(request, "output");
        // The last one is over what the request allows.
        entry.cycles = uint64(cycles % (uint256(MAX_CYCLES) + 2));
    }

    function _countClaims() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IJobManager.ClaimPosted.selector) {
                bytes32 jobId = logs[i].topics[1];
                if (wasRevoked[jobId]) sawForbiddenMove = true;
                if (claimsOf[jobId]++ == 0) claimed.push(jobId);
            } else if (logs[i].topics[0] == IJobManager.JobRequested.selector) {
                _countOrdered(address(uint160(uint256(logs[i].topics[2]))), logs[i].data);
            }
        }
    }

    function _countOrdered(address consumer, bytes memory data) private {
        uint64 nonce = abi.decode(data, (uint64));
        if (nonce >> 62 != 3) return;
        if (nonce != JobKinds.offchainNonce(true, nextOrdered[consumer]++)) sawForbiddenMove = true;
    }

    function _consumer(uint256 which) private view returns (SignedConsumer) {
        return consumers[which % consumers.length];
    }
}
