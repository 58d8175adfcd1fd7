// Hardhat's own commands, on project/hardhat.config.cjs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, run } from "./setup.mjs";

const env = { HARDHAT_KEY: keys.hardhat, HARDHAT_DISABLE_TELEMETRY_PROMPT: "true", CI: "true" };
const hardhat = (...args) => run("hardhat", ...args, { env });

test("hardhat", async (t) => {
  await t.test("compile", async () => {
    assert.match(await hardhat("compile", "--force"), /Compiled 1 Solidity file successfully/);
  });

  await t.test("test --network", async () => {
    const printed = await hardhat("test", "--no-compile", "--network", "ivm");
    assert.match(printed, /4 passing/);
    assert.doesNotMatch(printed, /failing|pending/);
  });
});
