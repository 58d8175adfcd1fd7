// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import { Consumer } from "../../src/Consumer.sol";

/// @dev A consumer that answers the question whether a signature is good in every bad way there is.
contract HostileSigner is Consumer, IERC1271 {
    enum Mood {
        Accepts,
        Refuses,
        Reverts,
        Loops,
        ReturnsNothing,
        ReturnsShort,
        ReturnsGarbage,
        ReturnsMagicAndGarbage,
        ReturnsHuge,
        RevertsWithHuge,
        RevertsWithMagic,
        AcceptsLate
    }

    uint256 private constant HUGE_SIZE_BYTES = 128 * 1024;

    Mood public mood;
    uint256 public results;

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4 answer) {
        Mood current = mood;
        bytes4 good = IERC1271.isValidSignature.selector;
        answer = 0xffffffff;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, good)
            switch current
            case 0 { return(free, 0x20) }
            case 1 { }
            case 2 { revert(0, 0) }
            case 3 { for { } 1 { } { } }
            case 4 { return(0, 0) }
            case 5 { return(free, 0x1f) }
            case 6 {
                mstore(free, not(good))
                return(free, 0x20)
            }
            case 7 {
                mstore(free, or(good, 1))
                return(free, 0x20)
            }
            case 8 { return(free, HUGE_SIZE_BYTES) }
            case 9 { revert(free, HUGE_SIZE_BYTES) }
            case 10 { revert(free, 0x20) }
            default {
                for { } gt(gas(), 500) { } { }
                return(free, 0x20)
            }
        }
    }

    function _onResult(bytes32, bytes calldata) internal override {
        ++results;
    }
}
