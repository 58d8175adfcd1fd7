// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { SettlementFixture } from "./base/SettlementFixture.sol";
import { SettlementHandler } from "./base/SettlementHandler.sol";

/// @dev What holds after any sequence of calls by anyone.
contract SettlementInvariantsTest is SettlementFixture {
    SettlementHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new SettlementHandler(settlement, verifier, rules);
        for (uint256 i = 1; i < 4; ++i) {
            handler.join(i);
        }
    }

    /// @dev The handler gets everywhere: invariants of a game that nobody plays would be worth nothing.
    function test_gameIsPlayed() public {
        for (uint256 i; i < 600; ++i) {
            uint256 dice = uint256(keccak256(abi.encode("dice", i)));
            (bool ok,) = address(handler).call(_move(dice % 13, dice >> 8));
            vm.assertTrue(ok);
            handler.look();
        }
        (uint256 confirmed, uint256 dropped) =
            handler.tally(ISettlement.ClaimState.Confirmed, ISettlement.BlockState.Dropped);
        (uint256 refuted, uint256 final_) = handler.tally(ISettlement.ClaimState.Refuted, ISettlement.BlockState.Final);
        (uint256 lapsed, uint256 open) = handler.tally(ISettlement.ClaimState.Lapsed, ISettlement.BlockState.Proposed);
        vm.assertTrue(confirmed != 0 && refuted != 0 && lapsed != 0);
        vm.assertTrue(dropped != 0 && final_ != 0 && open != 0 && handler.finalEarly() != 0);
        invariant_fundsAreConserved();
        invariant_honestProposerIsNeverSlashed();
        invariant_chainIsOne();
        invariant_verdictsAreTrue();
    }

    function _move(uint256 move, uint256 dice) private view returns (bytes memory) {
        uint256 more = dice >> 64;
        bool coin = (dice >> 128) % 2 == 0;
        if (move < 2) return abi.encodeCall(handler.proposeHonestly, (dice, more));
        if (move < 4) return abi.encodeCall(handler.proposeALie, (dice, more, coin, more % 2 == 0));
        if (move < 6) return abi.encodeCall(handler.challenge, (dice, more, coin));
        if (move == 6) return abi.encodeCall(handler.prove, (dice, coin, more % 8 == 0));
        if (move == 7) return abi.encodeCall(handler.expire, (dice));
        if (move == 8) return abi.encodeCall(handler.settle, (dice));
        if (move == 9) return abi.encodeCall(handler.withdraw, (dice, more));
        if (move == 12) return abi.encodeCall(handler.finalizeEarly, ());
        if (move == 10) return abi.encodeCall(handler.join, (dice));
        return abi.encodeCall(handler.passBlocks, (dice));
    }

    /// @dev Tells forge what to call.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Every wei that came in is owed to someone, was taken out, or was burned; the contract has what it owes.
    function invariant_fundsAreConserved() public view {
        vm.assertEq(address(settlement).balance, handler.owedWei());
        vm.assertEq(address(settlement).balance + settlement.burnedWei() + handler.paidOutWei(), handler.paidInWei());
    }

    /// @dev Who posts true claims, and answers demands, is never slashed: whoever challenges, proves or waits.
    function invariant_honestProposerIsNeverSlashed() public view {
        vm.assertTrue(handler.honestProposerIsFree());
    }

    /// @dev Final stays final and gone stays gone, and the chain is one chain.
    function invariant_chainIsOne() public {
        handler.look();
        vm.assertFalse(handler.sawComeback());
        vm.assertTrue(handler.chainIsConsistent());
    }

    /// @dev No verdict is against the truth, and no block of the chain has a claim that fell.
    function invariant_verdictsAreTrue() public view {
        vm.assertTrue(handler.verdictsAreTrue());
    }
}
