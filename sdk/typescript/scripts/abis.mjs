// Writes src/abi.gen.ts: the ABIs of contracts/artifacts and the addresses of contracts/src/Predeploys.sol.
//
//   node scripts/abis.mjs           writes it
//   node scripts/abis.mjs --check   fails where what is committed differs
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const contracts = new URL("../../../contracts/", import.meta.url);
const output = fileURLToPath(new URL("../src/abi.gen.ts", import.meta.url));

/** What each ABI is called, its contract, and what it is. */
const abis = {
  jobManagerAbi: ["JobManager", "Takes requests for jobs, their fees and their results."],
  programRegistryAbi: ["ProgramRegistry", "Says which programs jobs may name."],
  consumerAbi: ["IConsumer", "What a contract that asks for jobs is called with."],
  settlementAbi: ["Settlement", "Where the chain is settled; it is on the settlement chain."],
};

/** Constants of the Solidity library with the addresses that genesis gives, and what they are called here. */
const addresses = {
  jobManagerAddress: "JOB_MANAGER",
  programRegistryAddress: "PROGRAM_REGISTRY",
};

/** Without what only compilers read. */
function lean(entry) {
  if (Array.isArray(entry)) return entry.map(lean);
  if (entry === null || typeof entry !== "object") return entry;
  const kept = Object.entries(entry).filter(([key]) => key !== "internalType" && key !== "anonymous");
  return Object.fromEntries(kept.map(([key, value]) => [key, lean(value)]));
}

function abiLines([name, [contract, meaning]]) {
  const { abi } = JSON.parse(readFileSync(new URL(`artifacts/${contract}.json`, contracts), "utf8"));
  const entries = abi
    .filter(({ type }) => type !== "constructor")
    .map((entry) => `  ${JSON.stringify(lean(entry))},\n`);
  return `\n/** \`${contract}\`: ${meaning} */\nexport const ${name} = [\n${entries.join("")}] as const;\n`;
}

const predeploys = readFileSync(new URL("src/Predeploys.sol", contracts), "utf8");
function addressLines([name, constant]) {
  const found = new RegExp(`\\b${constant}\\s*=\\s*(0x[0-9a-fA-F]{40})`).exec(predeploys);
  if (!found) throw new Error(`contracts/src/Predeploys.sol has no address ${constant}`);
  return `\n/** Where genesis places \`${constant}\`. */\nexport const ${name} = "${found[1]}" as const;\n`;
}

const text = [
  "// Written by scripts/abis.mjs from contracts/. Do not edit.\n",
  ...Object.entries(addresses).map(addressLines),
  ...Object.entries(abis).map(abiLines),
].join("");

if (!process.argv.includes("--check")) {
  writeFileSync(output, text);
} else if (readFileSync(output, "utf8") !== text) {
  console.error("src/abi.gen.ts is not what contracts/ gives: run sdk/typescript/build and commit what it writes");
  process.exit(1);
}
