// Builds the page into dist/, which is committed: the node embeds it, and building the node needs no Node.js.
//
//   node build.mjs           writes what is built
//   node build.mjs --check   fails where what is committed differs from it
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const check = process.argv.includes("--check");
const stale = [];

/** Writes a file, or notes that what is committed differs from it. */
function emit(path, content) {
  const file = join(here, path);
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  if (check) stale.push(path);
  else writeFileSync(file, content);
}

/** What the page uses of the contracts: these functions and events, and all errors. */
const contracts = {
  pool: ["DynamicFeePool", [
    "ANCHOR_PERIOD_SECONDS", "TOKEN0", "TOKEN1", "anchorOf", "balanceOf", "feeInput", "feeOf", "latestPeriod", "oldestPeriod",
    "quote", "refreshTier", "reserves", "swap", "swapWithProof", "tiers", "totalSupply", "traderOf",
  ]],
  jobManager: ["JobManager", ["quote"]],
  token: ["ExampleToken", ["allowance", "approve", "balanceOf", "decimals", "symbol"]],
};

function abiModule() {
  const lines = ["// Written by build.mjs from contracts/artifacts. Do not edit.\n"];
  for (const [name, [contract, functions]] of Object.entries(contracts)) {
    const { abi } = JSON.parse(readFileSync(join(here, `../../contracts/artifacts/${contract}.json`), "utf8"));
    const used = abi.filter(({ type, name }) => type === "error" || functions.includes(name));
    lines.push(`export const ${name}Abi = ${JSON.stringify(used.map(lean), null, 1)} as const;\n`);
  }
  return lines.join("\n");
}

/** Without what only compilers read. */
function lean(entry) {
  if (Array.isArray(entry)) return entry.map(lean);
  if (entry === null || typeof entry !== "object") return entry;
  const kept = Object.entries(entry).filter(([key]) => key !== "internalType" && key !== "anonymous");
  return Object.fromEntries(kept.map(([key, value]) => [key, lean(value)]));
}

/** The licences of the packages whose code is in the bundle. */
function licences(metafile) {
  const packages = new Set();
  for (const path of Object.keys(metafile.inputs)) {
    const found = /^(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found) packages.add(found[1]);
  }
  const texts = [...packages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
    if (license !== "MIT") throw new Error(`${name} is under ${license}, expected MIT`);
    const file = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((name) => join(here, folder, name)).find(existsSync);
    const text = file ? readFileSync(file, "utf8").trim() : "The MIT License";
    return [`${name} ${version}`, text];
  });
  return {
    names: texts.map(([name]) => name).join(", "),
    text: `The page's bundle has code of these packages.\n\n${texts.map(([name, text]) => `== ${name}\n\n${text}\n`).join("\n")}`,
  };
}

emit("src/abi.gen.ts", abiModule());
const bundle = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.tsx"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  charset: "utf8",
  metafile: true,
  write: false,
});
const style = await build({
  absWorkingDir: here,
  entryPoints: ["src/style.css"],
  minify: true,
  target: ["chrome111", "firefox113", "safari16.4"],
  write: false,
});
const { names, text } = licences(bundle.metafile);
const banner = `/*! InfinityVM dynamic-fee pool, MIT OR Apache-2.0. Has code of ${names}, MIT: see /amm/licences.txt */\n`;
mkdirSync(join(here, "dist"), { recursive: true });
emit("dist/amm.js", banner + bundle.outputFiles[0].text);
emit("dist/amm.css", style.outputFiles[0].text);
emit("dist/licences.txt", text);
emit("dist/index.html", readFileSync(join(here, "src/index.html"), "utf8"));
emit("dist/icon.svg", readFileSync(join(here, "src/icon.svg"), "utf8"));

if (stale.length > 0) {
  console.error(`not what building gives: ${stale.join(", ")}; run apps/amm/build and commit what it writes`);
  process.exit(1);
}
console.log(`amm.js ${(bundle.outputFiles[0].contents.length / 1024).toFixed(0)} KiB`);
