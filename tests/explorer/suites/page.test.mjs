// What the explorer shows of a chain on which nobody lies.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { height, launch, open, overflow, pageUrl, phone, screenshot } from "../browser.mjs";
import { Chains, until } from "../chain.mjs";
import { startNode } from "../node.mjs";

const HOSTILE = "<img src=x onerror=alert(1)>";

let node, browser, chains, echo;

before(async () => {
  [node, browser] = await Promise.all([startNode(), launch()]);
  chains = await Chains.of(node.url);
  echo = await chains.deployEcho();
});

after(async () => {
  await browser?.close();
  await node?.stop();
});

test("blocks of both chains come, and nobody else is asked", async () => {
  const { page, problems } = await open(browser, node);
  await page.locator("#execution-blocks li").nth(7).waitFor();
  const [latest, settled] = [await height(page, "Latest"), await height(page, "Settlement")];
  await until("newer blocks", async () => (await height(page, "Latest")) > latest && (await height(page, "Settlement")) > settled);
  assert.equal(await page.locator("#settlement-blocks li").count(), 8);
  assert.equal(await page.locator(".status").textContent(), "Live");
  await screenshot(page, "overview-desktop-light");
  assert.deepEqual(problems, []);
  await page.close();
});

test("the page has a policy under which nothing else could run or be asked", async () => {
  const policy = (await fetch(pageUrl(node))).headers.get("content-security-policy");
  for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"]) {
    assert.ok(policy.includes(rule), `${rule} in ${policy}`);
  }
  assert.ok(!policy.includes("unsafe"), policy);
});

test("a job is shown from its request to its delivery, and its text is never markup", async () => {
  const { page, problems } = await open(browser, node);
  await page.getByText("No job yet").waitFor();
  const id = await chains.requestEcho(echo, HOSTILE);
  const row = page.locator(`#jobs a[href="#/job/${id}"]`);
  await row.getByText("Delivered").waitFor();
  await page.locator("#claims li").first().waitFor();
  await row.click();
  await page.locator("#job-outcome .text").waitFor();
  assert.equal(await page.locator("#job-input .text").textContent(), HOSTILE);
  assert.equal(await page.locator("#job-outcome .text").textContent(), HOSTILE);
  assert.equal(await page.locator("main img").count(), 0);
  const steps = await page.locator("#job-steps .strong").allTextContents();
  assert.deepEqual(steps, ["Requested", "Outcome claimed", "Delivered to its consumer"]);
  await page.getByText("Outcome claimed").click();
  await page.getByText("Claimed outcome").waitFor();
  await page.locator("dd a", { hasText: "execution block" }).click();
  await page.locator("#block-claims li").waitFor();
  await page.locator("dd a", { hasText: "settlement block" }).click();
  await page.locator("#settlement-events").getByText("proposed").waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});

test("a phone shows all of it without scrolling sideways", async () => {
  const id = await chains.requestEcho(echo, "for a phone");
  const job = await chains.result(id);
  const { page, problems } = await open(browser, node, { size: phone });
  await page.locator("#jobs li").first().waitFor();
  await page.locator("#bonds li").first().waitFor();
  assert.equal(await overflow(page), 0);
  await screenshot(page, "overview-phone-light");
  for (const view of [`job/${id}`, `block/${Number(job.resultBlock)}`, "settlement/3"]) {
    await page.evaluate((hash) => (location.hash = hash), `#/${view}`);
    await page.locator(".fields").first().waitFor();
    assert.equal(await overflow(page), 0, view);
  }
  assert.deepEqual(problems, []);
  await page.close();
});

test("dark where the system is, light when somebody chooses so, and for good", async () => {
  const { page, problems } = await open(browser, node, { colorScheme: "dark" });
  await page.locator("#execution-blocks li").first().waitFor();
  const brightness = () =>
    page.evaluate(() => Math.max(...getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).map(Number)));
  assert.ok((await brightness()) < 60);
  await screenshot(page, "overview-desktop-dark");
  await page.getByRole("button", { name: "Use light colours" }).click();
  assert.ok((await brightness()) > 200);
  await page.reload();
  assert.ok((await brightness()) > 200);
  assert.deepEqual(problems, []);
  await page.close();
});

test("rows wait while somebody is in them, by keyboard too", async () => {
  const { page, problems } = await open(browser, node);
  const rows = page.locator("#execution-blocks a.row");
  await rows.nth(7).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await rows.nth(2).focus();
  const held = await rows.nth(2).getAttribute("href");
  const latest = await height(page, "Latest");
  await until("newer blocks", async () => (await height(page, "Latest")) > latest + 3);
  assert.equal(await rows.nth(2).getAttribute("href"), held);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Execution block" }).waitFor();
  assert.ok(page.url().endsWith(held));
  assert.deepEqual(problems, []);
  await page.close();
});

test("what is searched for is found, or said not to be there", async () => {
  const id = await chains.requestEcho(echo, "to be found");
  const { page, problems } = await open(browser, node);
  await page.locator("#jobs li").first().waitFor();
  const search = page.getByRole("searchbox");
  await search.fill("no such thing");
  await search.press("Enter");
  await page.getByText("Nothing found").waitFor();
  await search.fill(id);
  await search.press("Enter");
  await page.locator("h1", { hasText: "Job" }).waitFor();
  await search.fill("2");
  await search.press("Enter");
  await page.getByRole("heading", { name: "Execution block 2" }).waitFor();
  await page.goto(`${pageUrl(node)}#/job/0x${"12".repeat(32)}`);
  await page.getByText("The chain has no such job.").waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});

test("nothing jumps while it loads and while blocks come", async () => {
  const { page } = await open(browser, node);
  await page.evaluate(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.locator("#execution-blocks li").nth(7).waitFor();
  await page.waitForTimeout(3000);
  const shift = await page.evaluate(() => globalThis.shift);
  assert.ok(shift < 0.1, `cumulative layout shift ${shift}`);
  await page.close();
});

test("a node that is gone is said to be, and looked for until it is back", async () => {
  const mortal = await startNode();
  const { page } = await open(browser, mortal);
  await page.locator("#execution-blocks li").nth(7).waitFor();
  await until("some blocks", async () => (await height(page, "Latest")) > 15);
  await mortal.stop();
  await page.getByText("The node does not answer.").waitFor();
  assert.equal(await page.locator(".status").textContent(), "No answer");
  assert.ok(await page.locator("#execution-blocks li").first().isVisible(), "what was seen stays");
  await screenshot(page, "node-gone");
  const [httpPort, settlementPort] = [mortal.url, mortal.settlementUrl].map((url) => new URL(url).port);
  const again = await startNode({ httpPort, settlementPort });
  try {
    await page.locator(".status.live").waitFor();
    await page.getByText("The node does not answer.").waitFor({ state: "detached" });
    await until("blocks of the new chain", async () => (await height(page, "Latest")) < 15 || (await height(page, "Settlement")) > 1);
    const head = Number(await (await Chains.of(again.url)).execution.reader.getBlockNumber());
    await until("its head", async () => Math.abs((await height(page, "Latest")) - head) < 30);
  } finally {
    await page.close();
    await again.stop();
  }
});

test("a page that slept for longer than it remembers does not take that for a fork", async () => {
  const quick = await startNode("--block-time-ms", "20");
  try {
    const others = await Chains.of(quick.url);
    const { page } = await open(browser, quick);
    await others.requestEcho(await others.deployEcho(), "before the sleep");
    await page.locator("#claims li").waitFor();
    await page.context().setOffline(true);
    await page.getByText("The node does not answer.").waitFor();
    const latest = await height(page, "Latest");
    await until("many blocks", async () => (await others.execution.reader.getBlockNumber()) > latest + 150);
    await page.context().setOffline(false);
    await until("newer blocks", async () => (await height(page, "Latest")) > latest + 150);
    assert.equal(await page.locator("#claims li").count(), 1);
    assert.equal(await page.locator("#claims").getByText("Left the chain").count(), 0);
    await page.context().close();
  } finally {
    await quick.stop();
  }
});
