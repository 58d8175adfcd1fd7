// Serves a page as a node does, to work on it: `node web/serve.mjs explorer [PORT]`, or `apps/amm`, then open the address that it
// prints with `?rpc=http://127.0.0.1:8545` after it, and what the page takes after `#`. Rebuild and reload to see a change.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const [folder = "explorer", port = "0"] = process.argv.slice(2);
const { default: page } = await import(new URL(`../${folder}/page.mjs`, import.meta.url));

const types = {
  "index.html": "text/html; charset=utf-8",
  [`${page.name}.js`]: "text/javascript; charset=utf-8",
  [`${page.name}.css`]: "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
  "licences.txt": "text/plain; charset=utf-8",
};

/** The node's policy, but for the ports that the page may ask. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src http://127.0.0.1:*; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const server = createServer(async ({ url }, response) => {
  const { pathname } = new URL(url, "http://localhost");
  const name = pathname === `/${page.name}` ? "index.html" : pathname.replace(`/${page.name}/`, "");
  if (!Object.hasOwn(types, name)) {
    response.writeHead(404).end();
    return;
  }
  const content = await readFile(new URL(`../${folder}/dist/${name}`, import.meta.url));
  const headers = { "content-type": types[name], "content-security-policy": policy, "cache-control": "no-store" };
  response.writeHead(200, headers).end(content);
});
server.listen(Number(port), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/${page.name}`);
});
