// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IJobManager } from "../interfaces/IJobManager.sol";

/// @dev An account in one word, so that a request reads and writes it once: balance in wei in the low 128 bits, number
/// of jobs asked for by `requestJob` in the next 64, number of jobs by signature and in order in the last 64. Balances are
/// parts of the ether that exists, which is far below 2^128 wei, and no account asks for 2^62 jobs of a kind: nothing
/// below overflows.
struct Account {
    uint256 word;
}

using { balanceWei, nonce, orderedNonce, credit, debit, charge, countOrdered } for Account global;

/// @dev What is added to the word for one job of `requestJob`.
uint256 constant ONE_JOB = 1 << 128;

/// @dev What is added to the word for one ordered job.
uint256 constant ONE_ORDERED_JOB = 1 << 192;

function balanceWei(Account storage account) view returns (uint256) {
    return uint128(account.word);
}

function nonce(Account storage account) view returns (uint64) {
    return uint64(account.word >> 128);
}

function orderedNonce(Account storage account) view returns (uint64) {
    return uint64(account.word >> 192);
}

function credit(Account storage account, uint256 amountWei) {
    unchecked {
        account.word += amountWei;
    }
}

function debit(Account storage account, uint256 amountWei) {
    account.word = less(account.word, amountWei);
}

/// @dev Takes the fee of the account's next job.
/// @return jobNonce That of the job.
function charge(Account storage account, uint256 feeWei) returns (uint64 jobNonce) {
    uint256 word = account.word;
    unchecked {
        account.word = less(word, feeWei) + ONE_JOB;
    }
    return uint64(word >> 128);
}

function countOrdered(Account storage account) {
    unchecked {
        account.word += ONE_ORDERED_JOB;
    }
}

function less(uint256 word, uint256 amountWei) pure returns (uint256) {
    uint256 heldWei = uint128(word);
    require(heldWei >= amountWei, IJobManager.InsufficientFunds(heldWei, amountWei));
    unchecked {
        return word - amountWei;
    }
}
