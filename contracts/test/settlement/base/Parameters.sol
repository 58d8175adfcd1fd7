// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../../../src/interfaces/ISettlement.sol";

/// @dev The defaults of a development chain and those proposed for a production chain; `docs/protocol/arbitration.md`
/// reasons about each.
library Parameters {
    /// @dev Blocks of one second: minutes, so that a fraud can be watched being caught.
    function development() internal pure returns (ISettlement.Parameters memory) {
        return ISettlement.Parameters({
            challengePeriodBlocks: 30,
            proverPeriodBlocks: 60,
            proposerBondWei: 32 ether,
            refuteBondWei: 0.1 ether,
            demandBondWei: 1 ether,
            challengerShareBps: 2500,
            proverShareBps: 2500,
            proverShareOfBondBps: 8000,
            maxTimestampDriftSeconds: 15
        });
    }

    /// @dev Blocks of two seconds: a day to challenge, six hours to prove.
    function production() internal pure returns (ISettlement.Parameters memory) {
        return ISettlement.Parameters({
            challengePeriodBlocks: 43_200,
            proverPeriodBlocks: 10_800,
            proposerBondWei: 32 ether,
            refuteBondWei: 0.1 ether,
            demandBondWei: 1 ether,
            challengerShareBps: 2500,
            proverShareBps: 2500,
            proverShareOfBondBps: 8000,
            maxTimestampDriftSeconds: 15
        });
    }
}
