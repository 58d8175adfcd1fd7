// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./base/Fixture.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { Predeploys } from "../src/Predeploys.sol";

contract AccountsTest is Fixture {
    address private constant OWNER = address(0xA11CE);
    address payable private constant RECEIVER = payable(address(0xBEEF));

    function test_depositThenWithdraw() public {
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.Deposited(OWNER, address(this), 5);
        MANAGER.deposit{ value: 5 }(OWNER);
        vm.assertEq(MANAGER.balanceOf(OWNER), 5);

        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.Withdrawn(OWNER, RECEIVER, 3);
        vm.prank(OWNER);
        MANAGER.withdraw(3, RECEIVER);
        vm.assertEq(MANAGER.balanceOf(OWNER), 2);
        vm.assertEq(RECEIVER.balance, 3);
    }

    function test_nobodyWithdrawsMoreThanTheyHold() public {
        MANAGER.deposit{ value: 5 }(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IJobManager.InsufficientFunds.selector, 5, 6));
        vm.prank(OWNER);
        MANAGER.withdraw(6, RECEIVER);

        vm.expectRevert(abi.encodeWithSelector(IJobManager.InsufficientFunds.selector, 0, 1));
        MANAGER.withdraw(1, RECEIVER);
    }

    function test_refusedWithdrawalKeepsTheBalance() public {
        MANAGER.deposit{ value: 5 }(OWNER);
        // This contract takes no ether.
        vm.expectRevert(abi.encodeWithSelector(IJobManager.TransferFailed.selector, address(this), 5));
        vm.prank(OWNER);
        MANAGER.withdraw(5, payable(address(this)));
        vm.assertEq(MANAGER.balanceOf(OWNER), 5);
    }

    function test_plainTransfersAreRefused() public {
        (bool ok,) = address(MANAGER).call{ value: 1 }("");
        vm.assertFalse(ok);
    }

    function testFuzz_balanceIsWhatWentInLessWhatWentOut(uint96 inWei, uint96 outWei) public {
        vm.deal(address(this), inWei);
        MANAGER.deposit{ value: inWei }(OWNER);
        outWei = uint96(outWei % (uint256(inWei) + 1));
        vm.prank(OWNER);
        MANAGER.withdraw(outWei, RECEIVER);
        vm.assertEq(MANAGER.balanceOf(OWNER), inWei - outWei);
        vm.assertEq(MANAGER.nonceOf(OWNER), 0);
    }
}
