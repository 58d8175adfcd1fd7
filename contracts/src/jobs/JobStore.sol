// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { IJobManager } from "../interfaces/IJobManager.sol";
import { IProgramRegistry } from "../interfaces/IProgramRegistry.sol";
import { Predeploys } from "../Predeploys.sol";
import { Account } from "./Account.sol";
import { JobRecord } from "./JobRecord.sol";
import { LoadWord } from "./LoadWord.sol";
import { ProverShare, Terms, unpack } from "./Terms.sol";

/// @dev All that is stored, accounts and prices. There is no constructor: genesis writes slots 0 and 1.
abstract contract JobStore is IJobManager, ReentrancyGuardTransient {
    /// @dev What the outcomes that one transaction posts come to.
    struct Earnings {
        uint256 cycles;
        uint256 cyclesWei;
        uint256 deliveryWei;
    }

    IProgramRegistry internal constant REGISTRY = IProgramRegistry(Predeploys.PROGRAM_REGISTRY);

    /// @dev 10,000: the whole, in basis points.
    uint256 internal constant ALL_BPS = 10_000;

    /// @dev Slot 0, written by genesis alone: what a pending job has in escrow is computed from it when the job closes.
    Terms internal _terms;

    /// @dev Slot 1, written by genesis alone.
    ProverShare private _proverShare;

    /// @dev Slot 2. Nothing at genesis: the price starts at its floor.
    LoadWord internal _load;

    /// @dev Slot 3. The ether here is the sum of all balances and of the fees of all pending jobs.
    mapping(address owner => Account) internal _accounts;

    /// @dev Slot 4.
    mapping(bytes32 jobId => JobRecord) internal _records;

    /// @dev Slot 5. The terms once more, for each program found to be registered: a request reads this one slot
    /// instead of the registry's and slot 0. Registration is for good, so it cannot go stale.
    mapping(bytes32 programId => Terms) internal _termsOf;

    /// @dev Slot 6.
    mapping(address payer => mapping(address consumer => uint256)) internal _allowances;

    modifier onlyProposer() {
        require(msg.sender == block.coinbase, NotProposer(msg.sender, block.coinbase));
        _;
    }

    /// @inheritdoc IJobManager
    function deposit(address account) external payable {
        _deposit(account);
    }

    /// @inheritdoc IJobManager
    function withdraw(uint256 amountWei, address payable to) external nonReentrant {
        _accounts[msg.sender].debit(amountWei);
        emit Withdrawn(msg.sender, to, amountWei);
        (bool ok,) = to.call{ value: amountWei }("");
        require(ok, TransferFailed(to, amountWei));
    }

    /// @inheritdoc IJobManager
    function parameters() external view returns (Parameters memory) {
        return unpack(_terms, _proverShare);
    }

    /// @inheritdoc IJobManager
    function cyclePriceWei() external view returns (uint64) {
        return _cyclePriceWei(_terms);
    }

    /// @inheritdoc IJobManager
    function load() external view returns (Load memory) {
        return _loadNow(_terms).unpack();
    }

    /// @inheritdoc IJobManager
    function balanceOf(address account) external view returns (uint256) {
        return _accounts[account].balanceWei();
    }

    /// @inheritdoc IJobManager
    function nonceOf(address account) external view returns (uint64) {
        return _accounts[account].nonce();
    }

    /// @inheritdoc IJobManager
    function jobState(bytes32 jobId) external view returns (JobState) {
        return _records[jobId].state();
    }

    function _deposit(address account) internal {
        _credit(account, msg.value);
        emit Deposited(account, msg.sender, msg.value);
    }

    function _credit(address owner, uint256 amountWei) internal {
        if (amountWei != 0) _accounts[owner].credit(amountWei);
    }

    /// @dev Pays proposer and prover for what the proposer posted, and counts its cycles. The load is read only now:
    /// callbacks may have run jobs of their own.
    function _settle(Terms terms, Earnings memory earned) internal {
        if (earned.cycles != 0) _load = _loadNow(terms).withClaims(earned.cycles);
        ProverShare share = _proverShare;
        uint256 proverWei = earned.cyclesWei * share.bps() / ALL_BPS;
        _credit(share.account(), proverWei);
        _credit(msg.sender, earned.cyclesWei + earned.deliveryWei - proverWei);
    }

    function _cyclePriceWei(Terms terms) internal view returns (uint64) {
        return _load.priceAsOf(terms, block.number);
    }

    function _loadNow(Terms terms) internal view returns (LoadWord) {
        return _load.asOf(terms, block.number);
    }
}
