// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./Fixture.sol";
import { SignedRequests } from "./SignedRequests.sol";
import { SignedConsumer } from "../consumers/SignedConsumer.sol";
import { IOffchainJobs } from "../../src/interfaces/IOffchainJobs.sol";

/// @dev A chain with a consumer that asks by signature, and money in its account.
abstract contract OffchainFixture is Fixture, SignedRequests {
    uint256 internal constant FUNDS_WEI = 1000 ether;

    SignedConsumer internal signed;

    function setUp() public virtual override {
        super.setUp();
        signed = new SignedConsumer(vm.addr(SIGNER_KEY));
        MANAGER.deposit{ value: FUNDS_WEI }(address(signed));
    }

    /// @dev A request without fault, of an unordered job.
    function _request(uint64 number) internal view returns (IOffchainJobs.JobRequest memory) {
        return _requestOf(address(signed), number);
    }

    function _orderedRequest(uint64 number) internal view returns (IOffchainJobs.JobRequest memory request) {
        request = _request(number);
        request.ordered = true;
    }
}
