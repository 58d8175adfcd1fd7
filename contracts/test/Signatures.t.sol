// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import { OffchainFixture } from "./base/OffchainFixture.sol";
import { SignedConsumer } from "./consumers/SignedConsumer.sol";
import { HostileSigner } from "./hostile/HostileSigner.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { SingleSigner } from "../src/SingleSigner.sol";
import { OffchainPriceConsumer } from "../src/examples/OffchainPriceConsumer.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";

contract SignaturesTest is OffchainFixture {
    /// @dev Order of the curve: `s` and its negative sign the same, as do both values of `v`.
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant SIGNATURE_CHECK_GAS = 200_000;

    IOffchainJobs.JobRequest private request;

    function setUp() public override {
        super.setUp();
        request = _request(0);
    }

    function test_signatureOfAnotherKey() public {
        _expectBad(_signWith(SIGNER_KEY + 1, MANAGER.hashRequest(request)));
    }

    function test_signatureOfAnotherRequest() public {
        bytes memory signature = _sign(request);
        request.maxCycles += 1;
        _expectBad(signature);
    }

    function test_signatureForAnotherChain() public {
        vm.chainId(1);
        bytes memory signature = _sign(request);
        vm.chainId(2);
        _expectBad(signature);
    }

    function test_signatureForAnotherManager() public {
        address elsewhere = address(0x4956);
        vm.etch(elsewhere, Predeploys.JOB_MANAGER.code);
        bytes32 digest = IOffchainJobs(elsewhere).hashRequest(request);
        vm.assertTrue(digest != MANAGER.hashRequest(request));
        _expectBad(_signWith(SIGNER_KEY, digest));
    }

    function test_signatureForAnotherConsumerOfTheSameSigner() public {
        bytes memory signature = _sign(request);
        SignedConsumer other = new SignedConsumer(vm.addr(SIGNER_KEY));
        MANAGER.deposit{ value: 1 ether }(address(other));
        request.consumer = address(other);
        request.feePayer = address(other);
        _expectBad(signature);
        _faultWith(request, _sign(request), IOffchainJobs.RequestFault.None);
    }

    function test_signaturesThatAreNone() public {
        _expectBad("");
        _expectBad(new bytes(65));
        _expectBad(new bytes(10_000));
        bytes memory signature = _sign(request);
        _expectBad(abi.encodePacked(signature, uint8(0)));
        (bytes32 r, bytes32 s, uint8 v) = _parts(signature);
        // EIP-2098 packs the same in 64 bytes.
        _expectBad(abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255)));
    }

    function test_signatureThatWasTurnedIntoAnother() public {
        (bytes32 r, bytes32 s, uint8 v) = _parts(_sign(request));
        _expectBad(abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), uint8(55 - v)));
    }

    function testFuzz_noOtherBytesPass(bytes calldata signature) public {
        _expectBad(signature);
    }

    function test_signerIsNeverZero() public {
        vm.expectRevert(abi.encodeWithSelector(SingleSigner.SignerZero.selector));
        new SignedConsumer(address(0));
    }

    function test_signatureIsGoodForTheJobManagerAlone() public {
        bytes32 digest = MANAGER.hashRequest(request);
        bytes memory signature = _sign(request);
        vm.assertTrue(signed.isValidSignature(digest, signature) == 0xffffffff);
        vm.prank(Predeploys.JOB_MANAGER);
        vm.assertTrue(signed.isValidSignature(digest, signature) == IERC1271.isValidSignature.selector);
    }

    function test_answersOtherThanYesAreNo() public {
        HostileSigner signer = new HostileSigner();
        MANAGER.deposit{ value: 100 ether }(address(signer));
        for (uint64 mood; mood <= uint64(type(HostileSigner.Mood).max); ++mood) {
            signer.setMood(HostileSigner.Mood(mood));
            request = _requestOf(address(signer), mood);
            bool yes = HostileSigner.Mood(mood) == HostileSigner.Mood.Accepts
                || HostileSigner.Mood(mood) == HostileSigner.Mood.AcceptsLate
                || HostileSigner.Mood(mood) == HostileSigner.Mood.ReturnsHuge;
            _faultWith(request, "any", yes ? IOffchainJobs.RequestFault.None : IOffchainJobs.RequestFault.BadSignature);
            uint256 before = signer.results();
            _land(_signedEntry(request, "any", "output"));
            vm.assertEq(signer.results() - before, yes ? 1 : 0);
        }
    }

    function test_checkCostsItsCapAndNoMore() public {
        HostileSigner signer = new HostileSigner();
        MANAGER.deposit{ value: 100 ether }(address(signer));
        request = _requestOf(address(signer), 0);
        HostileSigner.Mood[3] memory moods =
            [HostileSigner.Mood.Loops, HostileSigner.Mood.RevertsWithHuge, HostileSigner.Mood.ReturnsGarbage];
        for (uint256 i; i < moods.length; ++i) {
            signer.setMood(moods[i]);
            uint256 gasBefore = gasleft();
            _faultWith(request, "any", IOffchainJobs.RequestFault.BadSignature);
            vm.assertLe(gasBefore - gasleft(), SIGNATURE_CHECK_GAS + 40_000);
        }
    }

    /// @dev Who sends the transaction must not make a good signature look bad, nor starve the callback.
    function testFuzz_checkAndCallbackGetTheirGasOrTheTransactionFails(uint256 gasGiven) public {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](1);
        entries[0] = _entry(request, "output");
        vm.prank(PROPOSER);
        (bool ok, bytes memory why) =
            address(MANAGER).call{ gas: gasGiven % 600_000 }(abi.encodeCall(MANAGER.submitOffchainResults, (entries)));
        vm.assertTrue(MANAGER.isNonceUsed(address(signed), 0) == ok);
        vm.assertEq(signed.told(), ok ? 1 : 0);
        vm.assertTrue(ok || why.length == 0 || bytes4(why) == IJobManager.InsufficientCallbackGas.selector);
    }

    function test_starvedCheckFailsTheTransaction() public {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](1);
        entries[0] = _entry(request, "output");
        vm.prank(PROPOSER);
        (bool ok, bytes memory why) =
            address(MANAGER).call{ gas: SIGNATURE_CHECK_GAS }(abi.encodeCall(MANAGER.submitOffchainResults, (entries)));
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == IJobManager.InsufficientCallbackGas.selector);
    }

    function test_exampleKeepsPrices() public {
        OffchainPriceConsumer prices = new OffchainPriceConsumer(vm.addr(SIGNER_KEY));
        MANAGER.deposit{ value: 1 ether }(address(prices));
        request = _requestOf(address(prices), 1);
        vm.expectEmit(address(prices));
        emit OffchainPriceConsumer.PriceUpdated(_idOf(request), 4242);
        _land(_entry(request, abi.encode(uint256(4242))));
        vm.assertEq(prices.latestPrice(), 4242);
        vm.assertEq(prices.latestJobId(), _idOf(request));
        vm.assertEq(prices.updates(), 1);
    }

    function _expectBad(bytes memory signature) private {
        _faultWith(request, signature, IOffchainJobs.RequestFault.BadSignature);
        _expectSkipped(_signedEntry(request, signature, "output"), IOffchainJobs.RequestFault.BadSignature);
    }

    function _parts(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }
}
