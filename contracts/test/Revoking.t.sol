// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { MessageHashUtils } from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import { IERC5267 } from "@openzeppelin/contracts/interfaces/IERC5267.sol";

import { OffchainFixture } from "./base/OffchainFixture.sol";
import { SignedConsumer } from "./consumers/SignedConsumer.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { SingleSigner } from "../src/SingleSigner.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";
import { JobKinds } from "../src/jobs/JobKinds.sol";

/// @dev Asks by signature, and revokes a number when it is told a result.
contract HastyConsumer is SignedConsumer {
    uint64 private immutable NUMBER;

    constructor(address signer, uint64 number) SignedConsumer(signer) {
        NUMBER = number;
    }

    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        super._onResult(jobId, output);
        JOB_MANAGER.revokeNumber(NUMBER, false);
    }
}

/// @dev Numbers that are revoked without a request in their place, and the domain that requests are signed in.
contract RevokingTest is OffchainFixture {
    function test_revokedNumberNeverLands() public {
        _revoke(address(signed), 7, false);
        vm.assertTrue(MANAGER.isNonceUsed(address(signed), 7));
        IOffchainJobs.JobRequest memory request = _request(7);
        _fault(request, IOffchainJobs.RequestFault.NonceUsed);
        _expectSkipped(_entry(request, "output"), IOffchainJobs.RequestFault.NonceUsed);
        vm.assertEq(MANAGER.balanceOf(address(signed)), FUNDS_WEI);

        // There is a state, and nothing to act on.
        vm.assertTrue(MANAGER.jobState(_idOf(request)) == IJobManager.JobState.Cancelled);
        vm.assertFalse(MANAGER.isOutcome(_jobOf(request), 0, "output"));
        IJobManager.Job memory job = _jobOf(request);
        vm.expectRevert();
        MANAGER.retryDelivery(job, 0, "output");
        vm.expectRevert();
        vm.prank(address(signed));
        MANAGER.cancelJob(job);

        // Its neighbours, and the ordered one of that number, are as they were.
        _land(_entry(_request(6), "output"));
        _land(_entry(_request(8), "output"));
        vm.assertEq(MANAGER.orderedNonceOf(address(signed)), 0);
    }

    function test_numbersOfOthersStay() public {
        SignedConsumer other = new SignedConsumer(vm.addr(SIGNER_KEY));
        _revoke(address(other), 7, false);
        _revoke(address(other), 0, true);
        _land(_entry(_request(7), "output"));
        _land(_entry(_orderedRequest(0), "output"));
        vm.assertEq(signed.told(), 2);
    }

    function test_numbersAreRevokedOnceAndNotWhenUsed() public {
        _land(_entry(_request(1), "output"));
        _revoke(address(signed), 2, false);
        for (uint64 number = 1; number <= 2; ++number) {
            vm.expectRevert(abi.encodeWithSelector(IOffchainJobs.NumberUsed.selector, number));
            vm.prank(address(signed));
            MANAGER.revokeNumber(number, false);
        }
        vm.assertTrue(MANAGER.jobState(_idOf(_request(1))) == IJobManager.JobState.Delivered);
    }

    function test_orderedNumbersAreRevokedInTheirOrder() public {
        _land(_entry(_orderedRequest(0), "first"));
        uint64[2] memory numbers = [uint64(0), 2];
        for (uint256 i; i < numbers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IOffchainJobs.NumberNotNext.selector, numbers[i], 1));
            vm.prank(address(signed));
            MANAGER.revokeNumber(numbers[i], true);
        }
        _revoke(address(signed), 1, true);
        vm.assertEq(MANAGER.orderedNonceOf(address(signed)), 2);
        _fault(_orderedRequest(1), IOffchainJobs.RequestFault.NonceUsed);
        _expectSkipped(_entry(_orderedRequest(1), "revoked"), IOffchainJobs.RequestFault.NonceUsed);
        _land(_entry(_orderedRequest(2), "next"));
        vm.assertEq(signed.told(), 2);
        vm.assertFalse(MANAGER.isNonceUsed(address(signed), 1));
    }

    function test_numbersThatAreNoneAreNotRevoked() public {
        uint64 number = JobKinds.NUMBERS;
        for (uint256 ordered; ordered < 2; ++ordered) {
            vm.expectRevert(abi.encodeWithSelector(IOffchainJobs.NumberTooLarge.selector, number, number - 1));
            MANAGER.revokeNumber(number, ordered == 1);
        }
        _revoke(address(signed), number - 1, false);
    }

    function test_signerRevokesAndNobodyElse() public {
        address signer = vm.addr(SIGNER_KEY);
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.NumberRevoked(address(signed), 3, false);
        vm.prank(signer);
        signed.revokeNumber(3, false);
        _fault(_request(3), IOffchainJobs.RequestFault.NonceUsed);
        vm.expectRevert(abi.encodeWithSelector(SingleSigner.NotSigner.selector, address(this), signer));
        signed.revokeNumber(4, false);
        _fault(_request(4), IOffchainJobs.RequestFault.None);
    }

    function test_callbackRevokesWhatComesLaterInItsBatch() public {
        HastyConsumer hasty = new HastyConsumer(vm.addr(SIGNER_KEY), 2);
        MANAGER.deposit{ value: 1 ether }(address(hasty));
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](2);
        entries[0] = _entry(_requestOf(address(hasty), 1), "output");
        entries[1] = _entry(_requestOf(address(hasty), 2), "output");
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.OffchainResultSkipped(address(hasty), 2, IOffchainJobs.RequestFault.NonceUsed);
        _land(entries);
        vm.assertEq(hasty.told(), 1);
    }

    /// @dev EIP-5267: a digest made from what the contract says of its domain is the one it checks.
    function test_domainIsTheOneThatRequestsAreSignedIn() public view {
        (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        ) = IERC5267(Predeploys.JOB_MANAGER).eip712Domain();
        vm.assertTrue(fields == 0x0f && salt == 0 && extensions.length == 0);
        vm.assertEq(verifyingContract, Predeploys.JOB_MANAGER);
        vm.assertEq(chainId, block.chainid);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                verifyingContract
            )
        );
        IOffchainJobs.JobRequest memory request = _request(7);
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, _structHash(request));
        vm.assertTrue(digest == MANAGER.hashRequest(request));
    }

    function _revoke(address consumer, uint64 number, bool ordered) private {
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.NumberRevoked(consumer, number, ordered);
        vm.prank(consumer);
        MANAGER.revokeNumber(number, ordered);
    }

    function _structHash(IOffchainJobs.JobRequest memory request) private pure returns (bytes32) {
        bytes32 typeHash = keccak256(
            "JobRequest(address consumer,uint64 nonce,bool ordered,bytes32 programId,bytes onchainInput,bytes32 offchainInputHash,uint64 maxCycles,uint64 callbackGasLimit,uint64 deadlineBlock,address feePayer,uint256 maxFeeWei)"
        );
        return keccak256(
            abi.encode(
                typeHash,
                request.consumer,
                request.nonce,
                request.ordered,
                request.programId,
                keccak256(request.onchainInput),
                request.offchainInputHash,
                request.maxCycles,
                request.callbackGasLimit,
                request.deadlineBlock,
                request.feePayer,
                request.maxFeeWei
            )
        );
    }
}
