// Turns the tutorial's code blocks into a script that does what they say, in their order.
//
//   node steps.mjs TUTORIAL FOLDER    writes FOLDER/steps.sh and what it needs
//
// A comment before each block says what becomes of it:
//
//   <!-- run -->              it is run, in the same shell as all others; `run: WORD` only where $TUTORIAL has the word
//   <!-- node -->             its command is started with a port of its own, and stays
//   <!-- file: PATH -->       it is written to the file
//   <!-- excerpt: PATH -->    the file has its lines, however they are indented there
//   <!-- output -->           the run before printed just this to its standard output
//   <!-- shown: WHY -->       nothing
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the tutorial says that the node is. */
const NODE_URL = "http://127.0.0.1:8545";

const [tutorial, folder] = process.argv.slice(2);
if (!tutorial || !folder) throw new Error("usage: node steps.mjs TUTORIAL FOLDER");

/** The blocks, each with its line, its comment and its text. */
function* blocksOf(text) {
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    if (!lines[index].startsWith("```")) continue;
    const end = lines.indexOf("```", index + 1);
    if (end < 0) throw new Error(`${tutorial}:${index + 1}: the block has no end`);
    const comment = /^<!-- (\w+)(?:: (.*))? -->$/.exec(lines[index - 1] ?? "");
    if (!comment) throw new Error(`${tutorial}:${index + 1}: no comment before the block says what becomes of it`);
    const [, kind, argument = ""] = comment;
    yield { line: index + 1, kind, argument, text: `${lines.slice(index + 1, end).join("\n")}\n` };
    index = end;
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Keeps a block's text in a file of its own; gives its path in quotes. */
function kept({ line, text }) {
  const path = join(folder, `block-${line}`);
  writeFileSync(path, text);
  return quoted(path);
}

/** Commands of the script for each kind of block. `helpers` are functions of docs/tutorial/run. */
const kinds = {
  run(block) {
    // In the same shell, so that variables and folders stay; a subshell would lose them.
    const commands = block.text.replaceAll(NODE_URL, "$node_url");
    // The status is looked at, as a command after `!` that should have failed does not stop the shell.
    const steps = `begin ${block.line}\n{\n${commands}} >"$output"\n(($? == 0))\nend\n`;
    return block.argument === "" ? steps : `if wanted ${quoted(block.argument)}; then\n${steps}fi\n`;
  },
  node: ({ line, text }) => `begin ${line}\nstart_node ${text.trim()}\nend\n`,
  file: (block) => `begin ${block.line}\nwrite ${quoted(block.argument)} ${kept(block)}\nend\n`,
  excerpt: (block) => `begin ${block.line}\nexcerpt ${quoted(block.argument)} ${kept(block)}\nend\n`,
  output: (block) => `begin ${block.line}\nexpect ${kept(block)}\nend\n`,
  shown: ({ line, argument }) => {
    if (argument === "") throw new Error(`${tutorial}:${line}: a block that is only shown needs a reason`);
    return "";
  },
};

mkdirSync(folder, { recursive: true });
let script = "";
let before;
for (const block of blocksOf(readFileSync(tutorial, "utf8"))) {
  const step = kinds[block.kind];
  if (!step) throw new Error(`${tutorial}:${block.line}: no kind of block is called ${block.kind}`);
  if (block.kind === "output" && before?.kind !== "run") {
    throw new Error(`${tutorial}:${block.line}: an output has to follow what is run`);
  }
  const commands = step(block);
  // What was not run has no output.
  const isLeftOut = block.kind === "output" && before.argument !== "";
  script += isLeftOut ? `if wanted ${quoted(before.argument)}; then\n${commands}fi\n` : commands;
  before = block;
}
writeFileSync(join(folder, "steps.sh"), script);
