// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

import { Built } from "./base/Fixture.sol";
import { Test } from "./base/Test.sol";
import { Commitments } from "../src/Commitments.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";
import { JobKinds } from "../src/jobs/JobKinds.sol";
import { LoadWord } from "../src/jobs/LoadWord.sol";
import { Terms } from "../src/jobs/Terms.sol";
import { Limits } from "../src/Limits.sol";
import { Predeploys } from "../src/Predeploys.sol";

/// @dev One more cheatcode.
interface JsonBools {
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
}

/// @dev Holds Solidity to the vectors that `crates/contracts` holds Rust to.
contract VectorsTest is Test {
    /// @dev How many there are of each.
    uint256 private constant REQUESTS = 3;
    uint256 private constant LOADS = 23;

    JsonBools private constant JSON = JsonBools(address(vm));

    string private vectors;

    function setUp() public {
        vectors = vm.readFile("test/vectors/commitments.json");
    }

    function test_jobId() public {
        vm.chainId(vm.parseJsonUint(vectors, ".chainId"));
        bytes32 jobId = Commitments.jobId(
            Predeploys.JOB_MANAGER,
            vm.parseJsonAddress(vectors, ".consumer"),
            uint64(vm.parseJsonUint(vectors, ".nonce"))
        );
        vm.assertEq(jobId, vm.parseJsonBytes32(vectors, ".jobId"));
    }

    function test_inputCommitment() public view {
        bytes32 commitment = Commitments.input(
            keccak256(vm.parseJsonBytes(vectors, ".onchainInput")),
            keccak256(vm.parseJsonBytes(vectors, ".offchainInput"))
        );
        vm.assertEq(commitment, vm.parseJsonBytes32(vectors, ".inputCommitment"));
    }

    function test_outcomeHash() public view {
        vm.assertEq(
            this.outcome(Commitments.SUCCESS, vm.parseJsonBytes(vectors, ".output")),
            vm.parseJsonBytes32(vectors, ".successHash")
        );
        vm.assertEq(
            this.outcome(Commitments.PANICKED, vm.parseJsonBytes(vectors, ".panicMessage")),
            vm.parseJsonBytes32(vectors, ".panicHash")
        );
    }

    function test_claimPostedTopic() public view {
        vm.assertEq(IJobManager.ClaimPosted.selector, vm.parseJsonBytes32(vectors, ".claimPostedTopic"));
    }

    function test_parameterWords() public {
        string memory word = vm.readFile("test/vectors/parameters.json");
        vm.etch(Predeploys.JOB_MANAGER, Built(address(vm)).getDeployedCode("JobManager.sol:JobManager"));
        vm.store(Predeploys.JOB_MANAGER, 0, vm.parseJsonBytes32(word, ".termsWord"));
        vm.store(Predeploys.JOB_MANAGER, bytes32(uint256(1)), vm.parseJsonBytes32(word, ".proverShareWord"));
        IJobManager.Parameters memory parameters = IJobManager(Predeploys.JOB_MANAGER).parameters();
        vm.assertEq(parameters.minCyclePriceWei, vm.parseJsonUint(word, ".minCyclePriceWei"));
        vm.assertEq(parameters.callbackGasPriceWei, vm.parseJsonUint(word, ".callbackGasPriceWei"));
        vm.assertEq(parameters.maxDeadlineBlocks, vm.parseJsonUint(word, ".maxDeadlineBlocks"));
        vm.assertEq(parameters.retainedBps, vm.parseJsonUint(word, ".retainedBps"));
        vm.assertEq(parameters.targetCyclesPerBlock, vm.parseJsonUint(word, ".targetCyclesPerBlock"));
        vm.assertEq(parameters.maxSyncCyclesPerBlock, vm.parseJsonUint(word, ".maxSyncCyclesPerBlock"));
        vm.assertEq(parameters.proverShareBps, vm.parseJsonUint(word, ".proverShareBps"));
        vm.assertEq(parameters.proverAccount, vm.parseJsonAddress(word, ".proverAccount"));
    }

    function test_requests() public {
        string memory requests = vm.readFile("test/vectors/requests.json");
        vm.chainId(vm.parseJsonUint(requests, ".chainId"));
        vm.etch(Predeploys.JOB_MANAGER, Built(address(vm)).getDeployedCode("JobManager.sol:JobManager"));
        uint64 priceWei = uint64(vm.parseJsonUint(requests, ".cyclePriceWei"));
        uint256 signatureSize = vm.parseJsonUint(requests, ".signatureSize");
        uint256 terms = priceWei | vm.parseJsonUint(requests, ".callbackGasPriceWei") << 64 | uint256(1) << 176;
        vm.store(Predeploys.JOB_MANAGER, 0, bytes32(terms));
        for (uint256 i; i < REQUESTS; ++i) {
            string memory path = string.concat(".requests[", Strings.toString(i), "]");
            IOffchainJobs.JobRequest memory request = _request(requests, path);
            bytes32 digest = IOffchainJobs(Predeploys.JOB_MANAGER).hashRequest(request);
            vm.assertEq(digest, vm.parseJsonBytes32(requests, string.concat(path, ".digest")));
            uint256 feeWei = IOffchainJobs(Predeploys.JOB_MANAGER).quoteRequest(request, signatureSize);
            vm.assertEq(feeWei, vm.parseJsonUint(requests, string.concat(path, ".feeWei")));
            uint64 nonce = JobKinds.offchainNonce(request.ordered, request.nonce);
            vm.assertEq(nonce, vm.parseJsonUint(requests, string.concat(path, ".jobNonce")));
            bytes32 jobId = Commitments.jobId(Predeploys.JOB_MANAGER, request.consumer, nonce);
            vm.assertEq(jobId, vm.parseJsonBytes32(requests, string.concat(path, ".jobId")));
            vm.assertEq(
                _jobHash(request, nonce, priceWei), vm.parseJsonBytes32(requests, string.concat(path, ".jobHash"))
            );
        }
    }

    function test_runs() public {
        string memory requests = vm.readFile("test/vectors/requests.json");
        vm.chainId(vm.parseJsonUint(requests, ".chainId"));
        uint64 nonce = JobKinds.syncNonce(
            vm.parseJsonUint(requests, ".sync.blockNumber"), vm.parseJsonUint(requests, ".sync.index")
        );
        vm.assertEq(nonce, vm.parseJsonUint(requests, ".sync.jobNonce"));
        address consumer = vm.parseJsonAddress(requests, ".sync.consumer");
        vm.assertEq(
            Commitments.jobId(Predeploys.JOB_MANAGER, consumer, nonce), vm.parseJsonBytes32(requests, ".sync.jobId")
        );
    }

    function test_loads() public view {
        string memory loads = vm.readFile("test/vectors/load.json");
        IJobManager.Load memory load = LoadWord.wrap(uint256(vm.parseJsonBytes32(loads, ".word"))).unpack();
        vm.assertEq(load.cyclePriceWei, vm.parseJsonUint(loads, ".fields.cyclePriceWei"));
        vm.assertEq(load.blockNumber, vm.parseJsonUint(loads, ".fields.blockNumber"));
        vm.assertEq(load.postedCycles, vm.parseJsonUint(loads, ".fields.postedCycles"));
        vm.assertEq(load.syncCycles, vm.parseJsonUint(loads, ".fields.syncCycles"));
        vm.assertEq(load.syncCount, vm.parseJsonUint(loads, ".fields.syncCount"));
        for (uint256 i; i < LOADS; ++i) {
            string memory path = string.concat(".cases[", Strings.toString(i), "]");
            uint256 floorWei = vm.parseJsonUint(loads, string.concat(path, ".minCyclePriceWei"));
            uint256 target = vm.parseJsonUint(loads, string.concat(path, ".targetCyclesPerBlock"));
            LoadWord word = LoadWord.wrap(uint256(vm.parseJsonBytes32(loads, string.concat(path, ".word"))));
            uint256 number = vm.parseJsonUint(loads, string.concat(path, ".blockNumber"));
            uint64 priceWei = word.priceAsOf(Terms.wrap(floorWei | target << 176), number);
            vm.assertEq(priceWei, vm.parseJsonUint(loads, string.concat(path, ".cyclePriceWei")));
        }
    }

    function test_limits() public view {
        string memory limits = vm.readFile("test/vectors/limits.json");
        vm.assertEq(Limits.MAX_ELF_SIZE_BYTES, vm.parseJsonUint(limits, ".maxElfSizeBytes"));
        vm.assertEq(Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES, vm.parseJsonUint(limits, ".maxOnchainInputSizeBytes"));
        vm.assertEq(Limits.MAX_OUTPUT_SIZE_BYTES, vm.parseJsonUint(limits, ".maxOutputSizeBytes"));
        vm.assertEq(Limits.MAX_PANIC_MESSAGE_SIZE_BYTES, vm.parseJsonUint(limits, ".maxPanicMessageSizeBytes"));
        vm.assertEq(Limits.MAX_CYCLES_PER_JOB, vm.parseJsonUint(limits, ".maxCyclesPerJob"));
        vm.assertEq(Limits.MAX_CALLBACK_GAS, vm.parseJsonUint(limits, ".maxCallbackGas"));
    }

    function test_emptyHash() public pure {
        vm.assertEq(Commitments.EMPTY_HASH, keccak256(""));
    }

    function _request(string memory requests, string memory path)
        private
        pure
        returns (IOffchainJobs.JobRequest memory)
    {
        return IOffchainJobs.JobRequest({
            consumer: vm.parseJsonAddress(requests, string.concat(path, ".consumer")),
            nonce: uint64(vm.parseJsonUint(requests, string.concat(path, ".nonce"))),
            ordered: JSON.parseJsonBool(requests, string.concat(path, ".ordered")),
            programId: vm.parseJsonBytes32(requests, string.concat(path, ".programId")),
            onchainInput: vm.parseJsonBytes(requests, string.concat(path, ".onchainInput")),
            offchainInputHash: vm.parseJsonBytes32(requests, string.concat(path, ".offchainInputHash")),
            maxCycles: uint64(vm.parseJsonUint(requests, string.concat(path, ".maxCycles"))),
            callbackGasLimit: uint64(vm.parseJsonUint(requests, string.concat(path, ".callbackGasLimit"))),
            deadlineBlock: uint64(vm.parseJsonUint(requests, string.concat(path, ".deadlineBlock"))),
            feePayer: vm.parseJsonAddress(requests, string.concat(path, ".feePayer")),
            maxFeeWei: vm.parseJsonUint(requests, string.concat(path, ".maxFeeWei"))
        });
    }

    function _jobHash(IOffchainJobs.JobRequest memory request, uint64 nonce, uint64 priceWei)
        private
        pure
        returns (bytes32)
    {
        return Commitments.job(
            request.consumer,
            nonce,
            request.programId,
            keccak256(request.onchainInput),
            request.offchainInputHash,
            request.maxCycles,
            request.callbackGasLimit,
            request.deadlineBlock,
            priceWei
        );
    }

    /// @dev `Commitments.outcome` takes calldata.
    function outcome(uint8 status, bytes calldata output) external pure returns (bytes32) {
        return Commitments.outcome(status, output);
    }
}
