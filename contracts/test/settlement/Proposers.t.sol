// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";

import { IProofVerifier } from "../../src/interfaces/IProofVerifier.sol";
import { ISettlement } from "../../src/interfaces/ISettlement.sol";
import { ISettlementErrors } from "../../src/interfaces/ISettlementErrors.sol";
import { Predeploys } from "../../src/Predeploys.sol";
import { Settlement } from "../../src/settlement/Settlement.sol";
import { ExecutionBlock } from "./base/ExecutionBlocks.sol";
import { Claim, SettlementFixture } from "./base/SettlementFixture.sol";
import { Receiver } from "./mocks/Receiver.sol";

/// @dev Deployment, the set of proposers, their bonds, and money that leaves.
contract ProposersTest is SettlementFixture {
    address private constant NEWCOMER = address(0x4E57);

    function test_proposersOfTheStartAreActive() public view {
        address[] memory listed = settlement.proposers();
        vm.assertEq(listed.length, 2);
        vm.assertEq(listed[0], PROPOSER);
        vm.assertEq(listed[1], OTHER_PROPOSER);
        vm.assertEq(settlement.proposerInfo(PROPOSER).bondWei, rules.proposerBondWei);
        vm.assertEq(address(settlement).balance, 2 * uint256(rules.proposerBondWei));
        vm.assertEq(settlement.owner(), OWNER);
        vm.assertEq(settlement.verifier(), address(verifier));
        vm.assertEq(settlement.jobManager(), Predeploys.JOB_MANAGER);
        vm.assertEq(keccak256(abi.encode(settlement.parameters())), keccak256(abi.encode(rules)));
    }

    function test_unsoundRulesAreRefused() public {
        ISettlement.Parameters memory p = rules;
        p.challengePeriodBlocks = 0;
        _expectRange(p, "challengePeriodBlocks", 0, 1, type(uint32).max);
        p = _copy();
        p.proverPeriodBlocks = uint64(type(uint32).max) + 1;
        _expectRange(p, "proverPeriodBlocks", p.proverPeriodBlocks, 1, type(uint32).max);
        p = _copy();
        p.proposerBondWei = 0;
        _expectRange(p, "proposerBondWei", 0, 1, type(uint128).max);
        p = _copy();
        p.refuteBondWei = 0;
        _expectRange(p, "refuteBondWei", 0, 1, type(uint128).max);
        p = _copy();
        p.demandBondWei = 0;
        _expectRange(p, "demandBondWei", 0, 1, type(uint128).max);
        p = _copy();
        p.proverShareOfBondBps = 10_001;
        _expectRange(p, "proverShareOfBondBps", 10_001, 0, 10_000);
        p = _copy();
        p.maxTimestampDriftSeconds = 1 days + 1;
        _expectRange(p, "maxTimestampDriftSeconds", 1 days + 1, 0, 1 days);
        p = _copy();
        p.proverShareBps = 10_000 - p.challengerShareBps;
        _expectUndeployable(p, abi.encodeWithSelector(ISettlementErrors.SharesTooHigh.selector, 10_000, 9999));
    }

    function test_unsoundDeploymentsAreRefused() public {
        ISettlement.ExecutionGenesis memory genesis = _genesis();
        vm.expectRevert(_range("verifier", 0, 1, type(uint160).max));
        new Settlement{ value: _bonds() }(
            rules, OWNER, IProofVerifier(address(0)), Predeploys.JOB_MANAGER, genesis, _twoProposers()
        );
        vm.expectRevert(_range("jobManager", 0, 1, type(uint160).max));
        new Settlement{ value: _bonds() }(rules, OWNER, verifier, address(0), genesis, _twoProposers());
        genesis.hash = 0;
        vm.expectRevert(_range("genesis.hash", 0, 1, type(uint256).max));
        new Settlement{ value: _bonds() }(rules, OWNER, verifier, Predeploys.JOB_MANAGER, genesis, _twoProposers());
        genesis = _genesis();
        uint256 bondsWei = _bonds() - 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.WrongValue.selector, bondsWei, bondsWei + 1));
        new Settlement{ value: bondsWei }(rules, OWNER, verifier, Predeploys.JOB_MANAGER, genesis, _twoProposers());
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (PROPOSER, PROPOSER);
        vm.expectRevert(_wrongState(PROPOSER, ISettlement.ProposerState.Active, ISettlement.ProposerState.None));
        new Settlement{ value: _bonds() }(rules, OWNER, verifier, Predeploys.JOB_MANAGER, genesis, twice);
    }

    function test_codeFitsTheLimit() public view {
        vm.assertLe(address(settlement).code.length, 24_576);
    }

    function test_ownerAllowsAndProposerBonds() public {
        vm.deal(NEWCOMER, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, NEWCOMER));
        vm.prank(NEWCOMER);
        settlement.allow(NEWCOMER);

        vm.expectRevert(_wrongState(NEWCOMER, ISettlement.ProposerState.None, ISettlement.ProposerState.Allowed));
        vm.prank(NEWCOMER);
        settlement.bond{ value: rules.proposerBondWei }();

        vm.prank(OWNER);
        settlement.allow(NEWCOMER);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.WrongValue.selector, rules.proposerBondWei - 1, rules.proposerBondWei
            )
        );
        vm.prank(NEWCOMER);
        settlement.bond{ value: rules.proposerBondWei - 1 }();
        vm.prank(NEWCOMER);
        settlement.bond{ value: rules.proposerBondWei }();
        _proposeEmpty(NEWCOMER);
        vm.assertEq(settlement.proposers().length, 3);
        vm.assertEq(settlement.proposerInfo(NEWCOMER).lastNumber, GENESIS_NUMBER + 1);
    }

    function test_ownerDisallows() public {
        vm.prank(OWNER);
        settlement.allow(NEWCOMER);
        vm.prank(OWNER);
        settlement.disallow(NEWCOMER);
        vm.assertTrue(_proposerState(NEWCOMER) == ISettlement.ProposerState.None);

        // An active one begins to exit, and gets its bond back.
        vm.prank(OWNER);
        settlement.disallow(PROPOSER);
        vm.assertTrue(_proposerState(PROPOSER) == ISettlement.ProposerState.Exiting);
        _passBlocks(_exitDelay());
        vm.prank(PROPOSER);
        settlement.exit();
        vm.assertEq(_balance(PROPOSER), rules.proposerBondWei);

        vm.expectRevert(_wrongState(CHALLENGER, ISettlement.ProposerState.None, ISettlement.ProposerState.Allowed));
        vm.prank(OWNER);
        settlement.disallow(CHALLENGER);
    }

    function test_exitTakesItsTime() public {
        vm.expectRevert(_wrongState(PROPOSER, ISettlement.ProposerState.Active, ISettlement.ProposerState.Exiting));
        vm.prank(PROPOSER);
        settlement.exit();
        vm.prank(PROPOSER);
        settlement.requestExit();
        ExecutionBlock memory next = _emptyBlock();
        vm.expectRevert(_wrongState(PROPOSER, ISettlement.ProposerState.Exiting, ISettlement.ProposerState.Active));
        _propose(PROPOSER, next);

        _passBlocks(_exitDelay() - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlementErrors.ExitTooEarly.selector, vm.getBlockNumber(), vm.getBlockNumber() + 1
            )
        );
        vm.prank(PROPOSER);
        settlement.exit();
        _passBlocks(1);
        vm.prank(PROPOSER);
        settlement.exit();
        vm.assertEq(_balance(PROPOSER), rules.proposerBondWei);
        vm.assertEq(settlement.proposerInfo(PROPOSER).bondWei, 0);
        vm.expectRevert(_wrongState(PROPOSER, ISettlement.ProposerState.None, ISettlement.ProposerState.Exiting));
        vm.prank(PROPOSER);
        settlement.exit();

        // Who left in peace may be allowed again, and is the same proposer as before.
        vm.prank(OWNER);
        settlement.allow(PROPOSER);
        vm.assertEq(settlement.proposers().length, 2);
    }

    function test_exitingProposerIsLiableForItsBlocks() public {
        _setTruth(1, X);
        Claim memory claim = _proposeClaim(PROPOSER, _statement(1, Y));
        vm.prank(PROPOSER);
        settlement.requestExit();
        _passBlocks(rules.challengePeriodBlocks);
        _demand(CHALLENGER, claim);
        _passBlocks(1000);
        // The demand lapsed, and nobody has said so: as long as the block is not final, the bond stays.
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementErrors.ProposalsNotFinal.selector, GENESIS_NUMBER, GENESIS_NUMBER + 1)
        );
        vm.prank(PROPOSER);
        settlement.exit();
        _expire(claim, CHALLENGER, DEMAND);
        vm.assertTrue(_proposerState(PROPOSER) == ISettlement.ProposerState.Jailed);
        vm.assertEq(_balance(CHALLENGER), rules.demandBondWei + _shareWei(rules.challengerShareBps));
    }

    function test_exitDoesNotWaitForBlocksThatFell() public {
        _setTruth(1, X);
        Claim memory bad = _proposeClaim(OTHER_PROPOSER, _statement(1, Y));
        _proposeEmpty(PROPOSER);
        vm.prank(PROPOSER);
        settlement.requestExit();
        _proveUnchallenged(PROVER, bad, X);
        _passBlocks(_exitDelay());
        vm.prank(PROPOSER);
        settlement.exit();
        vm.assertEq(_balance(PROPOSER), rules.proposerBondWei);
    }

    function test_jailedProposerNeverReturns() public {
        _setTruth(1, X);
        Claim memory claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _proveUnchallenged(PROVER, claim, X);
        bytes memory jailed = _wrongState(PROPOSER, ISettlement.ProposerState.Jailed, ISettlement.ProposerState.None);
        vm.expectRevert(jailed);
        vm.prank(OWNER);
        settlement.allow(PROPOSER);
        vm.expectRevert(_wrongState(PROPOSER, ISettlement.ProposerState.Jailed, ISettlement.ProposerState.Active));
        vm.prank(PROPOSER);
        settlement.requestExit();
        ExecutionBlock memory next = _emptyBlock();
        vm.expectRevert(_wrongState(PROPOSER, ISettlement.ProposerState.Jailed, ISettlement.ProposerState.Active));
        _propose(PROPOSER, next);
    }

    function test_balancesAreWithdrawn() public {
        _earn(CHALLENGER);
        uint256 heldWei = _balance(CHALLENGER);
        address payable to = payable(address(0xFEED));
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.InsufficientFunds.selector, heldWei, heldWei + 1));
        vm.prank(CHALLENGER);
        settlement.withdraw(to, heldWei + 1);
        vm.prank(CHALLENGER);
        settlement.withdraw(to, 1);
        vm.prank(CHALLENGER);
        settlement.withdraw(to, heldWei - 1);
        vm.assertEq(to.balance, heldWei);
        vm.assertEq(_balance(CHALLENGER), 0);
    }

    function test_hostileReceiversHurtOnlyThemselves() public {
        Receiver receiver = new Receiver(settlement);
        _earn(address(receiver));
        uint256 heldWei = _balance(address(receiver));
        receiver.setMood(Receiver.Mood.Refuses);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.TransferFailed.selector, address(receiver), heldWei));
        receiver.withdraw(heldWei);
        // Who comes back in during the transfer finds only what is left.
        receiver.setMood(Receiver.Mood.WithdrawsAgain);
        vm.expectRevert(abi.encodeWithSelector(ISettlementErrors.TransferFailed.selector, address(receiver), heldWei));
        receiver.withdraw(heldWei);
        vm.assertEq(_balance(address(receiver)), heldWei);
        receiver.setMood(Receiver.Mood.ReturnsMuch);
        receiver.withdraw(heldWei);
        vm.assertEq(address(receiver).balance, heldWei);
    }

    function test_plainTransfersAreRefused() public {
        vm.prank(CHALLENGER);
        (bool ok,) = address(settlement).call{ value: 1 }("");
        vm.assertFalse(ok);
    }

    /// @dev Lets an account earn the prover's and the challenger's shares.
    function _earn(address account) private {
        _setTruth(1, X);
        Claim memory claim = _proposeClaim(PROPOSER, _statement(1, Y));
        _proveUnchallenged(account, claim, X);
    }

    function _exitDelay() private view returns (uint256) {
        return uint256(rules.challengePeriodBlocks) + rules.proverPeriodBlocks + 1;
    }

    function _copy() private view returns (ISettlement.Parameters memory) {
        return rules;
    }

    function _bonds() private returns (uint256 bondsWei) {
        bondsWei = 2 * uint256(rules.proposerBondWei);
        vm.deal(address(this), bondsWei);
    }

    function _expectRange(ISettlement.Parameters memory p, bytes32 name, uint256 got, uint256 least, uint256 most)
        private
    {
        _expectUndeployable(p, _range(name, got, least, most));
    }

    function _expectUndeployable(ISettlement.Parameters memory p, bytes memory why) private {
        uint256 bondsWei = 2 * uint256(p.proposerBondWei);
        vm.deal(address(this), bondsWei);
        vm.expectRevert(why);
        new Settlement{ value: bondsWei }(p, OWNER, verifier, Predeploys.JOB_MANAGER, _genesis(), _twoProposers());
    }

    function _range(bytes32 name, uint256 got, uint256 least, uint256 most) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISettlementErrors.ParameterOutOfRange.selector, name, got, least, most);
    }

    function _wrongState(address account, ISettlement.ProposerState got, ISettlement.ProposerState expected)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(ISettlementErrors.WrongProposerState.selector, account, got, expected);
    }
}
