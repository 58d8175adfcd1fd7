// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./base/Fixture.sol";
import { IProgramRegistry } from "../src/interfaces/IProgramRegistry.sol";
import { Limits } from "../src/Limits.sol";
import { Predeploys } from "../src/Predeploys.sol";

contract RegistryTest is Fixture {
    bytes32 private constant OTHER_ID = keccak256("other program");

    function test_registers() public {
        vm.assertFalse(REGISTRY.isRegistered(OTHER_ID));
        vm.expectEmit(Predeploys.PROGRAM_REGISTRY);
        emit IProgramRegistry.ProgramRegistered(OTHER_ID, ELF_HASH, 7);
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(OTHER_ID, ELF_HASH, 7);
        vm.assertTrue(REGISTRY.isRegistered(OTHER_ID));
        vm.assertEq(REGISTRY.elfHash(OTHER_ID), ELF_HASH);
    }

    function test_onlyProposerRegisters() public {
        vm.expectRevert(abi.encodeWithSelector(IProgramRegistry.NotProposer.selector, address(this), PROPOSER));
        REGISTRY.registerProgram(OTHER_ID, ELF_HASH, 7);
    }

    function test_registersOnceOnly() public {
        vm.expectRevert(
            abi.encodeWithSelector(IProgramRegistry.ProgramAlreadyRegistered.selector, PROGRAM_ID, ELF_HASH)
        );
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(PROGRAM_ID, keccak256("another elf"), 7);
    }

    function test_refusesZeroes() public {
        vm.expectRevert(abi.encodeWithSelector(IProgramRegistry.ProgramIdOrHashZero.selector, bytes32(0), ELF_HASH));
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(0, ELF_HASH, 7);

        vm.expectRevert(abi.encodeWithSelector(IProgramRegistry.ProgramIdOrHashZero.selector, OTHER_ID, bytes32(0)));
        vm.prank(PROPOSER);
        REGISTRY.registerProgram(OTHER_ID, 0, 7);
    }

    function test_refusesElfSizesOutOfRange() public {
        uint32[2] memory sizes = [0, uint32(Limits.MAX_ELF_SIZE_BYTES) + 1];
        for (uint256 i; i < sizes.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IProgramRegistry.ElfSizeOutOfRange.selector, sizes[i], Limits.MAX_ELF_SIZE_BYTES)
            );
            vm.prank(PROPOSER);
            REGISTRY.registerProgram(OTHER_ID, ELF_HASH, sizes[i]);
        }
    }
}
