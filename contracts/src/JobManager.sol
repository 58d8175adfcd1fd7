// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OffchainJobs } from "./jobs/OffchainJobs.sol";
import { OnchainJobs } from "./jobs/OnchainJobs.sol";
import { SyncJobs } from "./jobs/SyncJobs.sol";

/// @title Jobs: requests, their escrow, their outcomes and the delivery of these
/// @dev Each way to ask is a file of its own; this puts them together. Everything that moves ether or closes jobs holds
/// one lock, since callbacks run in the middle of it. `requestJob`, `execute`, `deposit`, `approve` and `revokeNumber` do not: a
/// callback may ask for the next job.
contract JobManager is OnchainJobs, OffchainJobs, SyncJobs { }
