// The whole fraud, as the node's own challenger and prover end it: with a proof.
import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, open, screenshot } from "../browser.mjs";
import { Chains } from "../chain.mjs";
import { startNode } from "../node.mjs";

const PROOF_SECONDS = 300;

test("a lie is challenged, refuted by a proof, slashed, and the chain goes back", async () => {
  const periods = ["--challenge-period", "150", "--prover-period", "3000"];
  const node = await startNode("--byzantine", "wrong-output", "--lazy-validator", "--optimistic", ...periods);
  const browser = await launch();
  try {
    const chains = await Chains.of(node.url);
    const echo = await chains.deployEcho();
    const { page, problems } = await open(browser, node);
    const id = await chains.requestEcho(echo, "the truth");
    const lie = await chains.result(id);
    const { hash } = await chains.execution.reader.getBlock({ blockNumber: BigInt(lie.resultBlock) });

    const row = page.locator("#challenges li", { hasText: "Refute" }).first();
    await row.locator(".countdown", { hasText: "left" }).waitFor({ timeout: 30_000 });
    await screenshot(page, "refute-desktop-light");

    const fork = page.getByRole("region", { name: `Fork at block ${Number(lie.resultBlock)}` });
    await fork.locator(`a[href="#/block/${hash}"] .lie`).waitFor({ timeout: PROOF_SECONDS * 1000 });
    assert.match(await fork.textContent(), /A proof shows another outcome.*lost [\d.]+ ETH.*burned/);
    await row.getByText("Won").waitFor();
    await page.locator("#bonds").getByText("Proposer, jailed").waitFor();
    await page.locator("#verdicts").getByText("Claim refuted").waitFor();
    await screenshot(page, "refuted-desktop-light");

    await page.goto(`${page.url().split("#")[0]}#/job/${id}`);
    await page.getByText("was false.").waitFor();
    await page.locator("#job-outcome .text", { hasText: "the truth" }).waitFor();
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    await node.stop();
  }
});
