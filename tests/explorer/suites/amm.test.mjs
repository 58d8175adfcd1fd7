// The page of the dynamic-fee pool: volume, fees, swaps by a development key and by a wallet.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { makePool, poolPageUrl, walletScript } from "../amm.mjs";
import { desktop, launch, overflow, phone, screenshot } from "../browser.mjs";
import { until } from "../chain.mjs";
import { startNode } from "../node.mjs";

let node, browser, pool;

before(async () => {
  [node, browser] = await Promise.all([startNode(), launch()]);
  pool = await makePool(node);
});

after(async () => {
  await browser?.close();
  await node?.stop();
});

/** Opens a page. `problems` fills with errors, and requests to whom the page has no business with. */
async function open({ address = pool.address, size = desktop, colorScheme = "light", wallet = null, walletName } = {}) {
  const page = await browser.newPage({ viewport: size, colorScheme });
  const problems = [];
  const origins = [node.url, poolPageUrl(node)].map((url) => new URL(url).origin);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`thrown: ${error.message}`));
  page.on("request", (request) => {
    if (!origins.includes(new URL(request.url()).origin)) problems.push(`request: ${request.url()}`);
  });
  if (wallet) await page.addInitScript(walletScript, { url: node.url, account: wallet, name: walletName });
  await page.goto(poolPageUrl(node, address));
  return { page, problems };
}

async function useKey(page, index) {
  await page.locator("#account select").selectOption(String(index));
  await page.getByRole("button", { name: "Use", exact: true }).click();
  await page.getByText("You have").waitFor();
}

async function swap(page, amount, said) {
  await page.getByLabel("You give").fill(amount);
  await page.getByRole("button", { name: "Swap", exact: true }).click();
  await page.getByText(said).waitFor();
}

const field = (page, name) =>
  page.locator("#account .fields > div", { has: page.getByText(name, { exact: true }) }).locator("dd");

test("who traded much pays less, by proof within the swap and by a tier; who did not, does not", async () => {
  const { page, problems } = await open();
  await useKey(page, 1);
  await swap(page, "150000", /Swapped without a proof in block/);
  await until("the proven fee", async () => (await field(page, "Fee with your proof").textContent()) === "0.20 %");
  assert.equal(await field(page, "Fee without a proof").textContent(), "0.30 %");
  assert.equal(await field(page, "Volume that counts").textContent(), "150,000 EXAMPLE 0");
  await page.getByLabel("You give").fill("1000");
  await page.locator("#swap").getByText("0.20 %").waitFor();
  await screenshot(page, "amm-desktop-light");
  await swap(page, "1000", /Swapped with the proof in block/);

  await page.getByRole("button", { name: "Have it for swaps without a proof" }).click();
  await page.getByText(/Asked in block/).waitFor();
  await until("the tier", async () => (await pool.feeOf(pool.accounts[1])) === 2000);
  await until("the tier on the page", async () => (await field(page, "Fee without a proof").textContent()) === "0.20 %");

  await page.getByRole("button", { name: "Disconnect" }).click();
  await useKey(page, 2);
  await until("the newcomer's fee", async () => (await field(page, "Fee with your proof").textContent()) === "0.30 %");
  assert.equal(await pool.feeOf(pool.accounts[2]), 3000);
  assert.deepEqual(problems, []);
  await page.close();
});

test("a wallet is told of the chain, and asked to sign", async () => {
  const { page, problems } = await open({ wallet: pool.accounts[3] });
  await page.getByRole("button", { name: "Connect wallet" }).click();
  await page.getByText("You have").waitFor();
  await page.getByRole("button", { name: /instead/ }).click();
  await swap(page, "2.5", /Swapped without a proof in block/);
  const asked = await page.evaluate(() => window.walletAsked);
  assert.ok(asked.includes("wallet_addEthereumChain"), asked.join());
  // One to allow the pool to take the token, one to swap.
  assert.equal(asked.filter((method) => method === "eth_sendTransaction").length, 2, asked.join());
  assert.deepEqual(problems, []);
  await page.close();
});

/** How often a wallet was asked to send a transaction. */
const sent = (page) =>
  page.evaluate(() => window.walletAsked.filter((method) => method === "eth_sendTransaction").length);

test("a wallet that announces itself is called by its name", async () => {
  const { page, problems } = await open({ wallet: pool.accounts[3], walletName: "Wallet <b>& Sons</b>" });
  const connect = page.getByRole("button", { name: "Connect Wallet <b>& Sons</b>" });
  await connect.waitFor();
  assert.equal(await page.locator(".connect > .primary").count(), 1);
  await connect.click();
  await page.getByText("You have").waitFor();
  assert.match(await field(page, "Account").textContent(), /Wallet <b>& Sons<\/b>$/);
  await swap(page, "2", /Swapped without a proof in block/);
  assert.equal(await sent(page), 2);
  assert.deepEqual(problems, []);
  await page.close();
});

test("what a wallet's owner refuses is told, and does not happen", async () => {
  const { page, problems } = await open({ wallet: pool.accounts[3], walletName: "Wallet" });
  const connect = page.getByRole("button", { name: "Connect Wallet" });
  const refused = page.locator(".notice.bad", { hasText: "You refused it in the wallet." });
  for (const method of ["eth_requestAccounts", "wallet_addEthereumChain"]) {
    await page.evaluate((method) => (window.walletRefuses = [method]), method);
    await connect.click();
    await refused.waitFor();
    assert.ok(await connect.isVisible(), method);
  }
  await page.evaluate(() => (window.walletRefuses = ["eth_sendTransaction"]));
  await connect.click();
  await page.getByText("You have").waitFor();
  const held = await page.locator("#amount-note").textContent();
  await page.getByLabel("You give").fill("3");
  await page.getByRole("button", { name: "Swap", exact: true }).click();
  await refused.waitFor();
  assert.equal(await page.locator("#amount-note").textContent(), held);
  await page.evaluate(() => (window.walletRefuses = []));
  await swap(page, "3", /Swapped without a proof in block/);
  assert.deepEqual(problems, []);
  await page.close();
});

test("a wallet that stays on another chain is not used", async () => {
  const { page, problems } = await open({ wallet: pool.accounts[3], walletName: "Wallet" });
  await page.evaluate(() => (window.walletStays = true));
  const connect = page.getByRole("button", { name: "Connect Wallet" });
  await connect.click();
  await page.getByText("The wallet is on chain 1, expected 4956.").waitFor();
  assert.ok(await connect.isVisible());
  assert.equal(await sent(page), 0);
  assert.deepEqual(problems, []);
  await page.close();
});

test("a wallet that moves to another account midway sends nothing more for the one before", async () => {
  const [, , other, trader] = pool.accounts;
  const { page, problems } = await open({ wallet: trader, walletName: "Wallet" });
  await page.getByRole("button", { name: "Connect Wallet" }).click();
  await page.getByText("You have").waitFor();
  await page.evaluate((to) => (window.walletMoves = to), other);
  // The first transaction lets the pool take the token; the swap would be the second.
  await swap(page, "4", /uses 0x.* now, not 0x.*: nothing was sent/);
  assert.equal(await sent(page), 1);
  const account = () => page.locator("#account dd [title]").getAttribute("title");
  await until("the other account", async () => (await account())?.toLowerCase() === other.toLowerCase());

  await page.evaluate(() => {
    window.walletMoves = null;
    window.moveWallet(null);
  });
  await page.getByText("The wallet was disconnected.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Connect Wallet" }).isVisible());
  assert.deepEqual(problems, []);
  await page.close();
});

test("what cannot be swapped is said before it is sent", async () => {
  const { page, problems } = await open();
  await useKey(page, 1);
  for (const [typed, said] of [["1e3", "no amount"], ["-5", "no amount"], ["99999999", "You have"]]) {
    await page.getByLabel("You give").fill(typed);
    await page.locator("#amount-note.bad", { hasText: said }).waitFor();
    assert.ok(await page.getByRole("button", { name: "Swap", exact: true }).isDisabled(), typed);
  }
  assert.deepEqual(problems, []);
  await page.close();
});

test("an address without a pool is no pool", async () => {
  const { page, problems } = await open({ address: "0x0000000000000000000000000000000000000001" });
  await page.getByText("There is no such pool here").waitFor();
  await page.getByLabel("Address of a pool").fill(pool.address);
  await page.getByRole("button", { name: "Open" }).click();
  await page.locator("#pool").waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});

test("a phone shows all of it without scrolling sideways, in the dark", async () => {
  const { page, problems } = await open({ size: phone, colorScheme: "dark" });
  await useKey(page, 1);
  await page.getByLabel("You give").fill("123456.789");
  assert.equal(await overflow(page), 0);
  await screenshot(page, "amm-phone-dark");
  assert.deepEqual(problems, []);
  await page.close();
});
