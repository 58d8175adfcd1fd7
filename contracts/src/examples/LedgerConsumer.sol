// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { StatefulConsumer } from "../StatefulConsumer.sol";

/// @title A ledger of which the chain holds the hash alone, moved by the program `ledger`
/// @notice The state is bytes that whoever asks hands to the node, up to 10 MiB; its keccak256 is the state root, and the
/// offchain input that each job names. So nobody can have it moved from any other state.
contract LedgerConsumer is StatefulConsumer {
    uint64 private constant CALLBACK_GAS_LIMIT = 150_000;
    uint64 private constant DEADLINE_BLOCKS = 600;

    /// @notice The balance that was changed last.
    uint256 public latestBalance;

    /// @notice A balance was changed.
    event BalanceChanged(bytes32 indexed jobId, uint256 balance);

    constructor(bytes32 firstStateRoot) {
        stateRoot = firstStateRoot;
    }

    /// @notice Asks for an amount to be added to an account's balance.
    function add(bytes32 programId, uint256 account, uint256 amount, uint64 maxCycles)
        external
        payable
        returns (bytes32 jobId)
    {
        return _requestTransition(
            programId,
            abi.encode(account, amount),
            stateRoot,
            maxCycles,
            CALLBACK_GAS_LIMIT,
            uint64(block.number) + DEADLINE_BLOCKS
        );
    }

    /// @inheritdoc StatefulConsumer
    function _onTransition(bytes32 jobId, bytes memory appOutput) internal override {
        latestBalance = abi.decode(appOutput, (uint256));
        emit BalanceChanged(jobId, latestBalance);
    }
}
