// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Settlement: the order of execution blocks, bonds, challenges and verdicts (LP 8.2 to 8.5)
/// @notice Lives on the settlement chain, which never reorgs. Proposers post headers of the execution chain. Whoever
/// finds a false claim in one of its blocks challenges it; a proof decides; a false claim costs the proposer its bond
/// and takes the block, with all that was built on it, out of the chain. All periods count settlement blocks.
/// `docs/protocol/arbitration.md` has the rules in one place.
interface ISettlement {
    /// @notice The rules, set at deployment.
    /// @param challengePeriodBlocks A claim may be challenged up to so many blocks after its block was proposed.
    /// @param proverPeriodBlocks A challenge is to be answered within so many blocks.
    /// @param proposerBondWei What a proposer stakes, and loses for one false claim.
    /// @param refuteBondWei What a refute costs, unless it is right.
    /// @param demandBondWei What a demand costs, unless it is right: at least the price of the largest proof.
    /// @param challengerShareBps Part of a slashed bond, in 1/10,000, for the challenger.
    /// @param proverShareBps Part of a slashed bond for who proved the claim false. What both leave is burned.
    /// @param proverShareOfBondBps Part of a lost challenger's bond for who proved the claim true; the proposer gets
    /// the rest.
    /// @param maxTimestampDriftSeconds How far a header's timestamp may be ahead of the settlement chain's.
    struct Parameters {
        uint64 challengePeriodBlocks;
        uint64 proverPeriodBlocks;
        uint128 proposerBondWei;
        uint128 refuteBondWei;
        uint128 demandBondWei;
        uint16 challengerShareBps;
        uint16 proverShareBps;
        uint16 proverShareOfBondBps;
        uint64 maxTimestampDriftSeconds;
    }

    /// @notice The block that the first proposed one is built on. It is final.
    struct ExecutionGenesis {
        bytes32 hash;
        uint64 number;
        uint64 timestamp;
    }

    /// @notice Where a proposer is. Only an active one proposes; active and exiting ones have a bond; a jailed one
    /// never returns.
    enum ProposerState {
        None,
        Allowed,
        Active,
        Exiting,
        Jailed
    }

    /// @notice Where a block is. Final and dropped are for good.
    enum BlockState {
        Unknown,
        Proposed,
        Final,
        Dropped
    }

    /// @notice What a challenger says of a claim.
    /// @dev `Refute`: the outcome is another one, and I or someone else will prove that. `Demand`: prove it.
    enum Kind {
        Refute,
        Demand
    }

    /// @notice What is known of a claim. All but `Unknown` and `Challenged` are final.
    /// @dev `Confirmed`: it was proven. `Refuted`: another outcome was. `Lapsed`: nobody met a demand for its proof.
    enum ClaimState {
        Unknown,
        Challenged,
        Confirmed,
        Refuted,
        Lapsed
    }

    /// @notice Where a challenge is. All but `None` and `Open` are final.
    /// @dev `Won`: the claim is false, the bond went back. `Lost`: the claim is true, the bond went to prover and
    /// proposer. `Expired`: a refute that nobody proved in time; the bond was burned. `Moot`: the block left the chain
    /// for another reason; the bond went back.
    enum ChallengeState {
        None,
        Open,
        Won,
        Lost,
        Expired,
        Moot
    }

    /// @notice Which claim. Its id is keccak256 of the ABI encoding of this, so that nothing of it need be stored.
    /// @param blockHash The execution block that has it.
    /// @param transactionIndex Position of the transaction in that block.
    /// @param logIndex Position of the log in that transaction's receipt, not in the block.
    /// @param statementHash keccak256 of the ABI encoding of its `Statement`.
    struct ClaimKey {
        bytes32 blockHash;
        uint256 transactionIndex;
        uint256 logIndex;
        bytes32 statementHash;
    }

    /// @notice What a proof judges of a claim: the program, started with the input, ends with the outcome.
    struct Statement {
        bytes32 programId;
        bytes32 inputCommitment;
        bytes32 outcomeHash;
    }

    /// @notice Shows that a block has a claim.
    /// @param header RLP of the block's header.
    /// @param transactionIndex Position of the transaction in the block.
    /// @param receiptProof Nodes of the receipts trie from the root to the receipt, RLP.
    /// @param logIndex Position of the log in the receipt.
    struct ClaimEvidence {
        bytes header;
        uint256 transactionIndex;
        bytes[] receiptProof;
        uint256 logIndex;
    }

    /// @notice The newest block of the execution chain.
    struct Tip {
        uint64 number;
        bytes32 hash;
        uint64 timestamp;
    }

    /// @notice A proposed block.
    /// @param state Where it is.
    /// @param proposer Who proposed it; zero for the genesis.
    /// @param number Its height.
    /// @param timestamp Its time, as its header states it.
    /// @param proposedAtBlock Settlement block of its proposal.
    /// @param claimsUnderDemand How many of its claims have a demand that no proof has met.
    /// @param openRefutes How many refutes of its claims are neither decided nor expired.
    /// @param pausedUntilBlock Latest deadline of all challenges so far: beyond it, refutes hold finality no more.
    struct BlockInfo {
        BlockState state;
        address proposer;
        uint64 number;
        uint64 timestamp;
        uint64 proposedAtBlock;
        uint32 claimsUnderDemand;
        uint32 openRefutes;
        uint64 pausedUntilBlock;
    }

    /// @notice What is known of a claim.
    /// @param state Its state.
    /// @param challenges How many challenges it has had; they are numbered from 1.
    /// @param leader The number of the challenge that has the challenger's share, if the claim is false; zero for none.
    /// @param openRefutes How many of its refutes are neither decided nor expired.
    /// @param demandDeadlineBlock Last block for a proof that the claim is true; zero without a demand.
    /// @param verdictBlock When it was decided: the block of the proof, or the first after the deadline.
    /// @param slashed Whether the proposer lost its bond for it.
    struct ClaimInfo {
        ClaimState state;
        uint32 challenges;
        uint32 leader;
        uint32 openRefutes;
        uint64 demandDeadlineBlock;
        uint64 verdictBlock;
        bool slashed;
    }

    /// @notice A challenge.
    /// @param state Where it is.
    /// @param number Its number among those of its claim, from 1.
    /// @param deadlineBlock Last block for the proof that it calls for.
    struct ChallengeInfo {
        ChallengeState state;
        uint32 number;
        uint64 deadlineBlock;
    }

    /// @notice A proposer.
    /// @param state Where it is.
    /// @param bondWei What it has at stake.
    /// @param lastNumber Height of the block that it proposed last.
    /// @param lastProposedAtBlock Settlement block of that.
    /// @param exitRequestedAtBlock Settlement block at which it asked to leave, or was disallowed.
    struct ProposerInfo {
        ProposerState state;
        uint256 bondWei;
        uint64 lastNumber;
        uint64 lastProposedAtBlock;
        uint64 exitRequestedAtBlock;
    }

    /// @notice Lets an account become a proposer. Only the owner may call (LP 8.3).
    function allow(address proposer) external;

    /// @notice Takes that back; an active proposer begins to exit. Only the owner may call.
    function disallow(address proposer) external;

    /// @notice Makes the caller, who is allowed, an active proposer. The value is exactly the bond.
    function bond() external payable;

    /// @notice The caller, an active proposer, proposes no more.
    function requestExit() external;

    /// @notice The caller, an exiting proposer, takes its bond into its balance: after the challenge and the prover
    /// period since its request and since its last proposal, and once its blocks are final or dropped.
    function exit() external;

    /// @notice Makes a block the tip of the execution chain, and up to two ripe ones final. Only active proposers may
    /// call.
    /// @param header RLP of the block's header, whose parent is the tip.
    function propose(bytes calldata header) external;

    /// @notice Makes ripe blocks final. Anyone may call.
    /// @param maxBlocks At most so many.
    /// @return count How many.
    function finalize(uint256 maxBlocks) external returns (uint256 count);

    /// @notice Makes a block final at once, all of whose claims were proven, or that has none (LP fig. 10). Its parent must
    /// be final. Anyone may call.
    /// @param header RLP of the block's header.
    /// @param receipts All receipts of the block, as its trie has them, in order.
    function finalizeProven(bytes calldata header, bytes[] calldata receipts) external;

    /// @notice Disputes a claim. The value is exactly the bond of the kind.
    /// @param evidence Shows the claim, in a block that can still be challenged.
    /// @param kind What the caller says of it.
    /// @return claimId The claim.
    function challenge(ClaimEvidence calldata evidence, Kind kind) external payable returns (bytes32 claimId);

    /// @notice Decides a challenged claim. Anyone may call, as long as the block is not final.
    /// @param key Which claim.
    /// @param statement What it states, as `ClaimChallenged` showed it.
    /// @param outcomeHash The outcome that is proven.
    /// @param proof For the verifier.
    function prove(ClaimKey calldata key, Statement calldata statement, bytes32 outcomeHash, bytes calldata proof)
        external;

    /// @notice Decides a claim, challenged or not. Anyone may call, as long as the block is not final.
    /// @param evidence Shows the claim.
    /// @param outcomeHash The outcome that is proven.
    /// @param proof For the verifier.
    function proveUnchallenged(ClaimEvidence calldata evidence, bytes32 outcomeHash, bytes calldata proof) external;

    /// @notice Closes a challenge of an undecided claim after its deadline: a demand fells the claim, a refute is lost.
    /// Anyone may call.
    function expire(ClaimKey calldata key, address challenger, Kind kind) external;

    /// @notice Closes a challenge whose claim is decided or whose block left the chain, and credits what is due for it.
    /// Anyone may call.
    function settleChallenge(ClaimKey calldata key, address challenger, Kind kind) external;

    /// @notice Slashes a proposer that signed two blocks on one parent at one height. Their blocks stay. Anyone may call.
    /// @param headerA RLP of one header.
    /// @param signatureA Of `proposedHeaderDigest` of it: r, s, v.
    /// @param headerB RLP of the other.
    /// @param signatureB Of `proposedHeaderDigest` of that.
    function reportEquivocation(
        bytes calldata headerA,
        bytes calldata signatureA,
        bytes calldata headerB,
        bytes calldata signatureB
    ) external;

    /// @notice Takes money out of the caller's balance.
    /// @param to Who gets it.
    /// @param amountWei How much.
    function withdraw(address payable to, uint256 amountWei) external;

    /// @notice What an account may withdraw.
    function balanceOf(address account) external view returns (uint256);

    /// @notice What was burned so far, in all.
    function burnedWei() external view returns (uint256);

    /// @notice The rules.
    function parameters() external view returns (Parameters memory);

    /// @notice Who judges proofs.
    function verifier() external view returns (address);

    /// @notice The contract of the execution chain whose logs are claims.
    function jobManager() external view returns (address);

    /// @notice The newest block.
    function tip() external view returns (Tip memory);

    /// @notice Height of the newest final block.
    function finalizedNumber() external view returns (uint64);

    /// @notice The block at a height of the execution chain; zero when there is none.
    function canonicalHash(uint64 number) external view returns (bytes32);

    /// @notice What is known of a block.
    function blockInfo(bytes32 blockHash) external view returns (BlockInfo memory);

    /// @notice What is known of a claim.
    function claimInfo(bytes32 claimId) external view returns (ClaimInfo memory);

    /// @notice What is known of a challenge.
    function challengeInfo(bytes32 id) external view returns (ChallengeInfo memory);

    /// @notice What is known of a proposer.
    function proposerInfo(address proposer) external view returns (ProposerInfo memory);

    /// @notice All who were ever allowed to propose, in that order.
    function proposers() external view returns (address[] memory);

    /// @notice The id of a claim.
    function claimIdOf(ClaimKey calldata key) external pure returns (bytes32);

    /// @notice The id of a challenge: an account has one of each kind at most for a claim.
    function challengeId(bytes32 claimId, address challenger, Kind kind) external pure returns (bytes32);

    /// @notice What a proposer signs when it offers a block to others (EIP-712).
    function proposedHeaderDigest(bytes32 blockHash, bytes32 parentHash, uint64 number) external view returns (bytes32);
}
