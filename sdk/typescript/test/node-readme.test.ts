// Runs the README's example as it stands, with the package as it is published.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { artifact, keys, nodeClient, repositoryFile, repositoryPath, rpcUrl } from "./setup.js";

const run = promisify(execFile);

/** Inside the package, so that its own name resolves to what it exports. */
const folder = fileURLToPath(new URL("../readme/", import.meta.url));

test("the README's example runs", async () => {
  const [, example] = /```ts\n([^]*?)```/.exec(repositoryFile("sdk/typescript/README.md")) ?? [];
  assert.ok(example);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}example.ts`, example);
  writeFileSync(
    `${folder}tsconfig.json`,
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions: { rootDir: ".", outDir: "js" },
      include: ["*.ts"],
    }),
  );
  const compiler = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
  await run(compiler, ["--project", folder]).catch(({ stdout }) => assert.fail(stdout));

  const client = nodeClient(keys.readme);
  const hash = await client.deployContract({ ...artifact("SquareRootConsumer"), args: [] });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  const { stdout } = await run(process.execPath, [`${folder}js/example.js`], {
    cwd: repositoryPath("programs/elf"),
    env: { ...process.env, IVM_RPC_URL: rpcUrl(), CONSUMER: contractAddress ?? "", PRIVATE_KEY: keys.readme },
  });
  assert.equal(stdout, "square root: 12n\n");
});
