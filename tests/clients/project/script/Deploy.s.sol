// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Counter} from "../src/Counter.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// Deploys a counter and uses it: three transactions, the last two depending on the first.
contract Deploy {
    bool public constant IS_SCRIPT = true;
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external returns (Counter counter) {
        VM.startBroadcast();
        counter = new Counter(5);
        counter.increase(6);
        counter.increase(7);
        VM.stopBroadcast();
    }
}
