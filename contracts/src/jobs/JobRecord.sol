// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IJobManager } from "../interfaces/IJobManager.sol";

/// @dev All that is stored of a job: a commitment of 248 bits, then a state of 8.
type JobRecord is bytes32;

using { state, commitment } for JobRecord global;

/// @dev The last byte of a record holds the state.
bytes32 constant COMMITMENT_MASK = ~bytes32(uint256(0xff));

/// @dev The record of a job that has no outcome: it commits to the job.
function openRecord(bytes32 jobHash, IJobManager.JobState jobState) pure returns (JobRecord) {
    return JobRecord.wrap(truncate(jobHash) | bytes32(uint256(jobState)));
}

/// @dev The record of a job that has an outcome: it commits to both.
function outcomeRecord(bytes32 jobHash, bytes32 outcomeHash, IJobManager.JobState jobState) pure returns (JobRecord) {
    return openRecord(keccak256(abi.encode(jobHash, outcomeHash)), jobState);
}

/// @dev What is kept of a hash in a record.
function truncate(bytes32 hash) pure returns (bytes32) {
    return hash & COMMITMENT_MASK;
}

function state(JobRecord record) pure returns (IJobManager.JobState) {
    return IJobManager.JobState(uint8(uint256(JobRecord.unwrap(record))));
}

function commitment(JobRecord record) pure returns (bytes32) {
    return truncate(JobRecord.unwrap(record));
}
