// What a Hardhat user's tests do; run with `hardhat test --network ivm`.
const assert = require("node:assert/strict");
const { ethers, network } = require("hardhat");

describe("Counter", () => {
  let counter;

  before(async () => {
    counter = await ethers.deployContract("Counter", [7n]);
    await counter.waitForDeployment();
  });

  it("is deployed by the configured account on the configured chain", async () => {
    const [signer] = await ethers.getSigners();
    assert.equal(counter.deploymentTransaction().from, signer.address);
    assert.equal((await ethers.provider.getNetwork()).chainId, BigInt(network.config.chainId));
    assert.equal(await counter.value(), 7n);
  });

  it("counts and says so", async () => {
    const receipt = await (await counter.increase(5n)).wait();
    assert.equal(receipt.status, 1);
    const [event] = await counter.queryFilter("Increased", receipt.blockNumber, receipt.blockNumber);
    assert.equal(event.args.value, 12n);
    const attached = await ethers.getContractAt("Counter", counter.target);
    assert.equal(await attached.value(), 12n);
  });

  it("reverts with its errors", async () => {
    const error = await counter.increase.staticCall(2000n).catch((thrown) => thrown);
    assert.deepEqual([...counter.interface.parseError(error.data).args], [2000n, 1000n]);
    await assert.rejects(counter.refuse(), /refused/);
    const sent = await counter.increase(2000n, { gasLimit: 100_000n });
    await assert.rejects(sent.wait(), { code: "CALL_EXCEPTION" });
  });

  it("mines when told to", async () => {
    const before = await network.provider.send("eth_blockNumber");
    await network.provider.send("evm_increaseTime", [3600]);
    await network.provider.send("evm_mine");
    assert.ok(BigInt(await network.provider.send("eth_blockNumber")) > BigInt(before));
  });
});
