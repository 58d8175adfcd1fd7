// What the explorer shows of a proposer that lies, without waiting for a proof.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, overflow, phone, screenshot } from "../browser.mjs";
import { Chains } from "../chain.mjs";
import { startNode } from "../node.mjs";

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("a block that the node refuses raises an alarm", async () => {
  const node = await startNode("--byzantine", "state-root");
  try {
    const chains = await Chains.of(node.url);
    const { page, problems } = await open(browser, node);
    await page.locator(".status.live").waitFor();
    assert.equal(await page.getByText("This node refuses a block").count(), 0);
    await chains.requestEcho(await chains.deployEcho(), "a lie about the state");
    const alarm = page.getByRole("alert").filter({ hasText: "This node refuses a block" });
    await alarm.waitFor();
    const [{ reason }] = (await chains.info()).refused;
    assert.ok((await alarm.textContent()).includes(reason.slice(0, 300)));
    await screenshot(page, "refused");
    assert.deepEqual(problems, []);
    await page.close();
  } finally {
    await node.stop();
  }
});

test("a demand that nobody meets is counted down, fells the block, and the fork is drawn", async () => {
  const periods = ["--challenge-period", "200", "--prover-period", "25"];
  const node = await startNode("--byzantine", "wrong-output", "--lazy-validator", "--optimistic", ...periods);
  try {
    const chains = await Chains.of(node.url);
    const echo = await chains.deployEcho();
    const { page, problems } = await open(browser, node);
    const id = await chains.requestEcho(echo, "the truth");
    const lie = await chains.result(id);
    const challenge = await chains.demand(lie);

    const row = page.locator("#challenges li", { hasText: "Demand" }).first();
    await row.locator(".countdown", { hasText: "left" }).waitFor();
    await page.locator("#claims").getByText("Challenged").waitFor();
    await screenshot(page, "challenged-desktop-light");

    await chains.expire(challenge);
    const number = Number(lie.resultBlock);
    const fork = page.getByRole("region", { name: `Fork at block ${number}` });
    await fork.getByText("held a false claim and left the chain").waitFor();
    await fork.locator(`a[href="#/block/${challenge.blockHash}"] .lie .cross`).waitFor();
    await fork.locator(".gone").first().waitFor();
    await fork.getByText("The chain now").waitFor();
    assert.match(await fork.textContent(), /Nobody could prove the outcome it claims.*lost [\d.]+ ETH.*burned/);
    await row.getByText("Won").waitFor();
    await page.locator("#bonds").getByText("Proposer, jailed").waitFor();
    await page.locator("#verdicts").getByText("Proposer slashed").waitFor();
    await screenshot(page, "fork-desktop-light");

    // A page that is opened afterwards draws the same fork.
    const late = await open(browser, node, { size: phone, colorScheme: "dark" });
    await late.page.locator(".fork .lie").waitFor();
    await late.page.locator("#verdicts li").first().waitFor();
    assert.equal(await overflow(late.page), 0);
    await screenshot(late.page, "fork-phone-dark");
    assert.deepEqual(late.problems, []);
    await late.page.close();

    await fork.locator(".lie").click();
    await page.getByText("This block held a false claim.").waitFor();
    await page.locator("#block-claims a").click();
    await page.getByText("This claim is false.").waitFor();
    await page.locator("dd a", { hasText: id }).click();
    await page.getByText("was false.").waitFor();
    assert.equal(await page.locator("#job-outcome .text").textContent(), "the truth");
    await screenshot(page, "job-after-the-lie");
    assert.deepEqual(problems, []);
    await page.close();
  } finally {
    await node.stop();
  }
});
