// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";

import { Fixture } from "./base/Fixture.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { EchoConsumer } from "../src/examples/EchoConsumer.sol";
import { PrizeConsumer } from "../src/examples/PrizeConsumer.sol";
import { SquareRootConsumer } from "../src/examples/SquareRootConsumer.sol";
import { VolatilityOracle } from "../src/examples/VolatilityOracle.sol";

contract ExamplesTest is Fixture {
    uint64 private constant EXAMPLE_DEADLINE_BLOCK = FIRST_BLOCK + 300;
    uint64 private constant VOLATILITY_CALLBACK_GAS = 250_000;

    function test_echo() public {
        EchoConsumer echo = new EchoConsumer();
        echo.requestEcho{ value: FEE_WEI }(PROGRAM_ID, "hello", MAX_CYCLES);
        _deliver(address(echo), "hello", CALLBACK_GAS_LIMIT, 0, "hello");
        vm.assertEq(echo.latestOutputHash(), keccak256("hello"));
    }

    function test_squareRoot() public {
        SquareRootConsumer consumer = new SquareRootConsumer();
        consumer.requestSquareRoot{ value: FEE_WEI }(PROGRAM_ID, 17, MAX_CYCLES);
        _deliver(address(consumer), abi.encode(uint256(17)), CALLBACK_GAS_LIMIT, 0, abi.encode(uint256(4)));
        vm.assertEq(consumer.latestRoot(), 4);
    }

    function test_prizeGoesToTheWinner() public {
        PrizeConsumer prize = new PrizeConsumer();
        bytes memory winner = abi.encodePacked(PROPOSER);
        prize.draw{ value: FEE_WEI }(PROGRAM_ID, winner, MAX_CYCLES);
        _deliver(address(prize), winner, CALLBACK_GAS_LIMIT, 0, winner);
        vm.assertEq(prize.balanceOf(PROPOSER), prize.PRIZE());
    }

    function test_prizeStaysWithTheHouseWhenTheProgramPanics() public {
        PrizeConsumer prize = new PrizeConsumer();
        prize.draw{ value: FEE_WEI }(PROGRAM_ID, "", MAX_CYCLES);
        _deliver(address(prize), "", CALLBACK_GAS_LIMIT, 1, "no winner");
        vm.assertEq(prize.balanceOf(prize.HOUSE()), prize.PRIZE());
    }

    function test_prizeIsNotGivenToWhatIsNoAddress() public {
        PrizeConsumer prize = new PrizeConsumer();
        bytes32 jobId = prize.draw{ value: FEE_WEI }(PROGRAM_ID, "", MAX_CYCLES);
        _deliver(address(prize), "", CALLBACK_GAS_LIMIT, 0, new bytes(21));
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.CallbackFailed);
    }

    function test_volatility() public {
        VolatilityOracle oracle = new VolatilityOracle();
        bytes memory prices = abi.encodePacked(uint32(100_00), uint32(101_00), uint32(99_50));
        bytes32 jobId = oracle.requestVolatility{ value: 1 ether }(PROGRAM_ID, prices, MAX_CYCLES);

        vm.expectEmit(address(oracle));
        emit VolatilityOracle.VolatilityUpdated(jobId, 0.18 ether, 2);
        _deliver(address(oracle), prices, VOLATILITY_CALLBACK_GAS, 0, abi.encode(uint256(0.18 ether), uint64(2)));
        vm.assertEq(oracle.latestVolatilityE18(), 0.18 ether);
        vm.assertEq(oracle.latestObservations(), 2);
        vm.assertEq(oracle.latestJobId(), jobId);
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Delivered);
    }

    function test_volatilityKeepsAPanic() public {
        VolatilityOracle oracle = new VolatilityOracle();
        bytes memory prices = abi.encodePacked(uint32(0), uint32(0));
        bytes32 jobId = oracle.requestVolatility{ value: 1 ether }(PROGRAM_ID, prices, MAX_CYCLES);
        vm.expectEmit(address(oracle));
        emit VolatilityOracle.VolatilityFailed(jobId, "price is zero");
        _deliver(address(oracle), prices, VOLATILITY_CALLBACK_GAS, 1, "price is zero");
        vm.assertEq(oracle.lastPanic(), "price is zero");
        vm.assertEq(oracle.latestJobId(), bytes32(0));
    }

    function test_volatilityRefusesMalformedSeries() public {
        VolatilityOracle oracle = new VolatilityOracle();
        bytes[2] memory malformed = [bytes(hex"00000001"), bytes(hex"000000010000000200")];
        for (uint256 i; i < malformed.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(VolatilityOracle.PricesMalformed.selector, malformed[i].length, 8));
            oracle.requestVolatility(PROGRAM_ID, malformed[i], MAX_CYCLES);
        }
    }

    function test_volatilityServesItsOwner() public {
        VolatilityOracle oracle = new VolatilityOracle();
        MANAGER.deposit{ value: 7 }(address(oracle));
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, PROPOSER);
        vm.expectRevert(refused);
        vm.prank(PROPOSER);
        oracle.requestVolatility(PROGRAM_ID, new bytes(8), MAX_CYCLES);
        vm.expectRevert(refused);
        vm.prank(PROPOSER);
        oracle.withdrawEscrow(7, payable(PROPOSER));

        oracle.withdrawEscrow(7, payable(PROPOSER));
        vm.assertEq(PROPOSER.balance, 7);
    }

    function _deliver(address consumer, bytes memory input, uint64 callbackGas, uint8 status, bytes memory output)
        private
    {
        IJobManager.Job memory job = _job(consumer, 0, input);
        job.callbackGasLimit = callbackGas;
        job.deadlineBlock = EXAMPLE_DEADLINE_BLOCK;
        _submit(_result(job, status, 1, output));
    }
}
