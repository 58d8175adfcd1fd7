// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Commitments } from "infinityvm/Commitments.sol";
import { Consumer } from "infinityvm/Consumer.sol";
import { Predeploys } from "infinityvm/Predeploys.sol";
import { {{contract}}Consumer } from "../contracts/{{contract}}Consumer.sol";

/// @dev The cheatcodes these tests use.
interface Vm {
    function assertEq(uint256 left, uint256 right) external pure;
    function expectRevert(bytes calldata data) external;
    function prank(address sender) external;
}

contract {{contract}}ConsumerTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes32 private constant JOB_ID = keccak256("job");

    {{contract}}Consumer private consumer = new {{contract}}Consumer(keccak256("program"));

    function test_storesTheMean() external {
        vm.prank(Predeploys.JOB_MANAGER);
        consumer.receiveResult(JOB_ID, Commitments.SUCCESS, abi.encode(20));
        vm.assertEq(consumer.latestMean(), 20);
    }

    function test_aPanicLeavesTheMean() external {
        vm.prank(Predeploys.JOB_MANAGER);
        consumer.receiveResult(JOB_ID, Commitments.SUCCESS, abi.encode(20));
        vm.prank(Predeploys.JOB_MANAGER);
        consumer.receiveResult(JOB_ID, Commitments.PANICKED, "no numbers given, at least 1 is needed");
        vm.assertEq(consumer.latestMean(), 20);
    }

    function test_onlyTheJobManagerCallsBack() external {
        vm.expectRevert(abi.encodeWithSelector(Consumer.NotJobManager.selector, address(this), Predeploys.JOB_MANAGER));
        consumer.receiveResult(JOB_ID, Commitments.SUCCESS, abi.encode(20));
    }
}
