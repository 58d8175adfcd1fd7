// Builds a page into its dist/, which is committed: the node embeds it, and building the node needs no Node.js.
//
//   node build.mjs explorer           writes what is built
//   node build.mjs explorer --check   fails where what is committed differs from it
//
// A page is a folder with src/main.tsx, src/style.css, src/index.html, and page.mjs, which says its `name`, its `title`, and the
// `contracts` that it uses: by what each is called in src/abi.gen.ts, its artifact, the type of the entries that all are taken,
// and the names of others. What pages share is in web/src.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const [folder, ...options] = process.argv.slice(2);
if (!folder || !existsSync(join(here, "..", folder, "page.mjs"))) {
  console.error(`no page in ${folder}: expected explorer or apps/amm`);
  process.exit(1);
}
const root = join(here, "..", folder);
const { default: page } = await import(new URL(`../${folder}/page.mjs`, import.meta.url));
const check = options.includes("--check");
const stale = [];

/** Writes a file of the page, or notes that what is committed differs from it. */
function emit(path, content) {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  if (check) stale.push(`${folder}/${path}`);
  else writeFileSync(file, content);
}

function abiModule() {
  const lines = ["// Written by web/build.mjs from contracts/artifacts. Do not edit.\n"];
  for (const [name, { artifact, all, named }] of Object.entries(page.contracts)) {
    const { abi } = JSON.parse(readFileSync(join(here, `../contracts/artifacts/${artifact}.json`), "utf8"));
    const used = abi.filter((entry) => entry.type === all || named.includes(entry.name));
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
  entryPoints: [join(root, "src/main.tsx")],
  // Pages have no packages of their own.
  nodePaths: [join(here, "node_modules")],
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
  entryPoints: [join(root, "src/style.css")],
  bundle: true,
  minify: true,
  target: ["chrome111", "firefox113", "safari16.4"],
  write: false,
});
const { names, text } = licences(bundle.metafile);
const banner = `/*! ${page.title}, MIT OR Apache-2.0. Has code of ${names}, MIT: see /${page.name}/licences.txt */\n`;
mkdirSync(join(root, "dist"), { recursive: true });
emit(`dist/${page.name}.js`, banner + bundle.outputFiles[0].text);
emit(`dist/${page.name}.css`, style.outputFiles[0].text);
emit("dist/licences.txt", text);
emit("dist/index.html", readFileSync(join(root, "src/index.html"), "utf8"));
emit("dist/icon.svg", readFileSync(join(here, "src/icon.svg"), "utf8"));

if (stale.length > 0) {
  console.error(`not what building gives: ${stale.join(", ")}; run ${folder}/build and commit what it writes`);
  process.exit(1);
}
console.log(`${page.name}.js ${(bundle.outputFiles[0].contents.length / 1024).toFixed(0)} KiB`);
