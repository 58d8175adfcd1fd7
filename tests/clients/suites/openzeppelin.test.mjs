// OpenZeppelin's ERC-20 with permits and votes, ERC-721, and a governor behind a timelock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFunctionData, keccak256, parseEther, parseEventLogs, parseSignature, toHex, zeroAddress } from "viem";
import { generatePrivateKey } from "viem/accounts";
import { chainId, compiled, keys, rpc, stranger } from "./setup.mjs";
import { at, client, deploy, mined, walletOf } from "./viem-setup.mjs";

const wallet = walletOf(keys.openzeppelin);
const me = wallet.account.address;

const eventsOf = ({ abi }, { logs }, eventName) => parseEventLogs({ abi, logs, eventName }).map(({ args }) => args);

/** A fresh account that can pay for what it sends. */
async function funded() {
  const other = walletOf(generatePrivateKey());
  await mined(await wallet.sendTransaction({ to: other.account.address, value: parseEther("1") }));
  return other;
}

test("ERC-20: transfers, allowances, permits", async (t) => {
  const token = await deploy(wallet, compiled("Token"));
  const spender = await funded();
  const owner = me;

  await t.test("a transfer moves tokens and says so", async () => {
    const to = stranger();
    const receipt = await token.send("transfer", to, 5n);
    assert.equal(await token.read("balanceOf", to), 5n);
    const [moved] = eventsOf(token, receipt, "Transfer");
    assert.deepEqual([moved.from, moved.to.toLowerCase(), moved.value], [owner, to, 5n]);
  });

  await t.test("more than one has is refused with ERC-6093's error", async () => {
    const tooMuch = token.sendAs(spender, "transfer", owner, 1n);
    await assert.rejects(tooMuch, (error) => {
      const { data } = error.walk((cause) => cause.data?.errorName);
      assert.equal(data.errorName, "ERC20InsufficientBalance");
      assert.deepEqual(data.args, [spender.account.address, 0n, 1n]);
      return true;
    });
  });

  await t.test("an allowance is spent", async () => {
    const to = stranger();
    await token.send("approve", spender.account.address, 10n);
    await token.sendAs(spender, "transferFrom", owner, to, 4n);
    assert.equal(await token.read("allowance", owner, spender.account.address), 6n);
    assert.equal(await token.read("balanceOf", to), 4n);
  });

  await t.test("a permit is an allowance by signature, once, until its deadline", async () => {
    const { timestamp } = await client.getBlock();
    const permit = async (deadline) => {
      const signature = await wallet.signTypedData({
        domain: { name: "Token", version: "1", chainId, verifyingContract: token.address },
        types: {
          Permit: [
            { name: "owner", type: "address" },
            { name: "spender", type: "address" },
            { name: "value", type: "uint256" },
            { name: "nonce", type: "uint256" },
            { name: "deadline", type: "uint256" },
          ],
        },
        primaryType: "Permit",
        message: {
          owner,
          spender: spender.account.address,
          value: 777n,
          nonce: await token.read("nonces", owner),
          deadline,
        },
      });
      const { r, s, v } = parseSignature(signature);
      return [owner, spender.account.address, 777n, deadline, Number(v), r, s];
    };
    const permitted = await permit(timestamp + 1_000_000n);
    await token.sendAs(spender, "permit", ...permitted);
    assert.equal(await token.read("allowance", owner, spender.account.address), 777n);
    assert.equal(await token.read("nonces", owner), 1n);
    await assert.rejects(token.sendAs(spender, "permit", ...permitted), /ERC2612InvalidSigner/);
    await assert.rejects(token.sendAs(spender, "permit", ...(await permit(1n))), /ERC2612ExpiredSignature/);
  });
});

test("ERC-721: mint, approve, transfer, refusals", async () => {
  const collectible = await deploy(wallet, compiled("Collectible"));
  const other = await funded();
  const minted = eventsOf(collectible, await collectible.send("mint", me, "ipfs://1"), "Transfer");
  assert.deepEqual(minted, [{ from: zeroAddress, to: me, tokenId: 1n }]);
  assert.equal(await collectible.read("tokenURI", 1n), "ipfs://1");

  const take = ["transferFrom", me, other.account.address, 1n];
  await assert.rejects(collectible.sendAs(other, ...take), /ERC721InsufficientApproval/);
  await collectible.send("approve", other.account.address, 1n);
  await collectible.sendAs(other, ...take);
  assert.equal(await collectible.read("ownerOf", 1n), other.account.address);
  assert.equal(await collectible.read("balanceOf", me), 0n);

  // A contract that does not say that it takes them gets none.
  const toContract = collectible.send("mint", collectible.address, "");
  await assert.rejects(toContract, /ERC721InvalidReceiver/);
  // ERC-165, of ERC-721 and of its metadata.
  const ids = ["0x80ac58cd", "0x5b5e139f", "0xffffffff"];
  const supported = await Promise.all(ids.map((id) => collectible.read("supportsInterface", id)));
  assert.deepEqual(supported, [true, true, false]);
});

test("a governor proposes, votes, queues and executes", async (t) => {
  // States as IGovernor numbers them.
  const [PENDING, ACTIVE, SUCCEEDED, QUEUED, EXECUTED, DEFEATED] = [0, 1, 4, 5, 7, 3];
  const DELAY_SECONDS = 86_400n;
  // Long enough to vote within on a slow machine, where blocks come by themselves as well.
  const VOTING_BLOCKS = 150;

  const token = await deploy(wallet, compiled("Token"));
  const timelock = await deploy(wallet, compiled("TimelockController"), DELAY_SECONDS, [], [zeroAddress], me);
  const { address } = await deploy(wallet, compiled("Council"), token.address, timelock.address, VOTING_BLOCKS);
  // With the timelock's errors, which the council lets through.
  const errors = timelock.abi.filter(({ type, name }) => type === "error" && name.startsWith("Timelock"));
  const council = at(wallet, [...compiled("Council").abi, ...errors], address);
  for (const role of ["PROPOSER_ROLE", "CANCELLER_ROLE"]) {
    await timelock.send("grantRole", await timelock.read(role), council.address);
  }
  await timelock.send("renounceRole", `0x${"0".repeat(64)}`, me);
  await token.send("delegate", me);
  // Gas is estimated as if in the head, where the votes would change in place; after it, they take another slot.
  await rpc("evm_mine");
  await token.send("transfer", timelock.address, 1_000n);

  const proposal = (to) => {
    const pay = encodeFunctionData({ abi: token.abi, functionName: "transfer", args: [to, 1_000n] });
    return [[token.address], [0n], [pay]];
  };
  const propose = async (what, description) => {
    const [{ proposalId }] = eventsOf(
      council,
      await council.send("propose", ...what, description),
      "ProposalCreated",
    );
    return proposalId;
  };
  const state = (id) => council.read("state", id);
  const mineUntil = async (id, wanted) => {
    for (let mined = 0; (await state(id)) !== wanted; mined += 1) {
      assert.ok(mined <= 2 * VOTING_BLOCKS, `proposal not in state ${wanted} but ${await state(id)}`);
      await rpc("evm_mine");
    }
  };

  await t.test("with enough votes", async () => {
    const to = stranger();
    const what = proposal(to);
    const id = await propose(what, "pay");
    const hash = keccak256(toHex("pay"));
    assert.equal(await council.read("hashProposal", ...what, hash), id);
    assert.ok([PENDING, ACTIVE].includes(await state(id)));
    await mineUntil(id, ACTIVE);
    const [vote] = eventsOf(council, await council.send("castVoteWithReason", id, 1, "why not"), "VoteCast");
    assert.deepEqual([vote.voter, vote.support, vote.reason], [me, 1, "why not"]);
    await assert.rejects(council.send("castVote", id, 0), /GovernorAlreadyCastVote/);
    await mineUntil(id, SUCCEEDED);
    await council.send("queue", ...what, hash);
    assert.equal(await state(id), QUEUED);
    await assert.rejects(council.send("execute", ...what, hash), /TimelockUnexpectedOperationState/);
    await rpc("evm_increaseTime", toHex(DELAY_SECONDS));
    await rpc("evm_mine");
    await council.send("execute", ...what, hash);
    assert.equal(await state(id), EXECUTED);
    assert.equal(await token.read("balanceOf", to), 1_000n);
  });

  await t.test("without votes", async () => {
    const id = await propose(proposal(stranger()), "pay nobody");
    await mineUntil(id, DEFEATED);
  });
});
