// A browser that looks at the explorer, and notes what it should not have seen.
import { join } from "node:path";
import { chromium } from "playwright-core";

export const desktop = { width: 1280, height: 900 };
export const phone = { width: 360, height: 740 };

// Chromium's own sandbox needs rights that a container's root does not have; the pages are ours.
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

/** Where a node's page is. */
export function pageUrl(node) {
  const elsewhere = process.env.IVM_EXPLORER_PAGE;
  return elsewhere ? `${elsewhere}?rpc=${node.url}` : `${node.url}/explorer`;
}

/** Opens the explorer of a node. `problems` fills with errors, and requests to whom the page has no business with. */
export async function open(browser, node, { size = desktop, colorScheme = "light", hash = "" } = {}) {
  const page = await browser.newPage({ viewport: size, colorScheme });
  const problems = [];
  const origins = [node.url, node.settlementUrl, pageUrl(node)].map((url) => new URL(url).origin);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`thrown: ${error.message}`));
  page.on("request", (request) => {
    if (!origins.includes(new URL(request.url()).origin)) problems.push(`request: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(pageUrl(node) + hash);
  return { page, problems };
}

export const screenshot = (page, name) =>
  page.screenshot({ path: join(process.env.IVM_SCREENSHOTS, `${name}.png`), fullPage: true });

/** A number of the row of heights at the top. */
export async function height(page, name) {
  const text = await page.locator(".stat", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) })
    .locator(".value").textContent();
  return Number(text.replaceAll(",", ""));
}

/** Pixels by which the page is wider than its window. */
export const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
