// Checks that a file has a block's lines, one after the other, all indented by as much: node excerpt.mjs FILE BLOCK
import { readFileSync } from "node:fs";

const [path, block] = process.argv.slice(2);
const linesOf = (file) => readFileSync(file, "utf8").trimEnd().split("\n");
const lines = linesOf(path);
const wanted = linesOf(block);

const isAt = (start) => {
  const indent = /^ */.exec(lines[start])[0];
  return wanted.every((line, index) => lines[start + index] === (line === "" ? "" : indent + line));
};

if (!lines.some((_, start) => isAt(start))) {
  console.error(`${path} does not have these lines:\n${wanted.join("\n")}`);
  process.exit(1);
}
