// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Counter} from "../src/Counter.sol";

/// The cheat codes that are used here; forge-std's own package on npm is not complete.
interface Vm {
    struct EthGetLogs {
        address emitter;
        bytes32[] topics;
        bytes data;
        bytes32 blockHash;
        uint64 blockNumber;
        bytes32 transactionHash;
        uint64 transactionIndex;
        uint256 logIndex;
        bool removed;
    }

    function activeFork() external view returns (uint256);
    function createSelectFork(string calldata url, uint256 blockNumber) external returns (uint256);
    function createSelectFork(string calldata url, bytes32 transaction) external returns (uint256);
    function deal(address account, uint256 balance) external;
    function envAddress(string calldata name) external view returns (address);
    function envBytes32(string calldata name) external view returns (bytes32);
    function envString(string calldata name) external view returns (string memory);
    function envUint(string calldata name) external view returns (uint256);
    function eth_getLogs(uint256 from, uint256 to, address target, bytes32[] calldata topics)
        external
        returns (EthGetLogs[] memory);
    function expectRevert(bytes calldata data) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function prank(address sender) external;
    function rollFork(uint256 blockNumber) external;
    function selectFork(uint256 id) external;
    function transact(bytes32 transaction) external;
}

/// Forks the node on which a suite has increased a counter: at INCREASED_AT, by INCREASED_BY in the transaction INCREASED.
contract ForkTest {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Counter private counter;
    uint256 private increasedAt;
    uint256 private increasedBy;
    bytes32 private increased;

    function setUp() external {
        counter = Counter(VM.envAddress("COUNTER"));
        increasedAt = VM.envUint("INCREASED_AT");
        increasedBy = VM.envUint("INCREASED_BY");
        increased = VM.envBytes32("INCREASED");
    }

    function test_theForkHasTheNodesStateAndChain() external view {
        require(block.chainid == VM.envUint("CHAIN_ID"), "chain id");
        require(block.number >= increasedAt, "block number");
        require(counter.value() == uint256(VM.load(address(counter), 0)), "value is in slot 0");
        require(address(counter).code.length > 0, "code");
        require(VM.envAddress("SENDER").balance > 1 ether, "balance");
        require(blockhash(increasedAt) == VM.envBytes32("INCREASED_IN") || block.number > increasedAt + 256, "hash");
    }

    function test_whatIsDoneOnAForkStaysThere() external {
        address someone = address(0x50FE);
        VM.deal(someone, 3 ether);
        require(someone.balance == 3 ether, "dealt");
        uint256 before = counter.value();
        VM.prank(someone);
        counter.increase(5);
        require(counter.value() == before + 5, "increased");
        VM.expectRevert(abi.encodeWithSelector(Counter.TooMuch.selector, 2000, 1000));
        counter.increase(2000);
    }

    function test_forksOfOlderBlocksHaveOlderState() external {
        string memory url = VM.envString("NODE_URL");
        // Two before, since forge lets tests share forks: that of the block before is moved in the next test.
        uint256 older = increasedAt - 2;
        uint256 before = VM.createSelectFork(url, older);
        require(block.number == older, "number");
        uint256 value = counter.value();
        VM.rollFork(increasedAt);
        require(counter.value() == value + increasedBy, "after");
        VM.createSelectFork(url, older);
        require(VM.activeFork() != before && counter.value() == value, "a fork of its own");
        VM.selectFork(before);
        require(counter.value() == value + increasedBy, "the first is where it was");
    }

    function test_aMinedTransactionIsRunAgain() external {
        string memory url = VM.envString("NODE_URL");
        // Up to the transaction, without it.
        VM.createSelectFork(url, increased);
        uint256 value = counter.value();
        VM.transact(increased);
        require(counter.value() == value + increasedBy, "after the transaction");
    }

    function test_logsAreRead() external {
        bytes32[] memory topics = new bytes32[](1);
        topics[0] = Counter.Increased.selector;
        Vm.EthGetLogs[] memory logs = VM.eth_getLogs(increasedAt, increasedAt, address(counter), topics);
        require(logs.length == 1 && logs[0].transactionHash == increased, "the log of the transaction");
    }
}
