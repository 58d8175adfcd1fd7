// Serves dist/ as a node does, to work on the page: `node serve.mjs [PORT]`, then open the address that it prints with
// `?rpc=http://127.0.0.1:8545#POOL` after it. Rebuild and reload to see a change.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const types = {
  "index.html": "text/html; charset=utf-8",
  "amm.js": "text/javascript; charset=utf-8",
  "amm.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
  "licences.txt": "text/plain; charset=utf-8",
};

/** The node's policy, but for the ports that the page may ask. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src http://127.0.0.1:*; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const server = createServer(async ({ url }, response) => {
  const { pathname } = new URL(url, "http://localhost");
  const name = pathname === "/amm" ? "index.html" : pathname.replace("/amm/", "");
  if (!Object.hasOwn(types, name)) {
    response.writeHead(404).end();
    return;
  }
  const content = await readFile(new URL(`dist/${name}`, import.meta.url));
  const headers = { "content-type": types[name], "content-security-policy": policy, "cache-control": "no-store" };
  response.writeHead(200, headers).end(content);
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/amm`);
});
