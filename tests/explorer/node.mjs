// Nodes, started and stopped by a suite.
import { spawn } from "node:child_process";

const START_SECONDS = 60;

/** Starts a development chain with more arguments; gives its address and what ends it. */
export async function startNode(...options) {
  const { httpPort = 0, settlementPort = 0 } = typeof options.at(-1) === "object" ? options.pop() : {};
  const [command, ...given] = process.env.IVM_START.split(" ");
  const ports = ["--http-port", httpPort, "--settlement-port", settlementPort].map(String);
  const child = spawn(command, [...given, "--quiet", ...ports, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let ended = false;
  const exit = new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", resolve);
  }).then(() => (ended = true));
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said = (said + data).slice(-20_000)));
  // A suite that is told to end takes its nodes with it.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  process.once("SIGTERM", () => process.exit(143));
  const deadline = Date.now() + START_SECONDS * 1000;
  let url;
  while (!url) {
    url = /JSON-RPC\s+(http:\/\/\S+)/.exec(said)?.[1];
    if (ended || Date.now() > deadline) {
      end();
      throw new Error(`'${process.env.IVM_START}' did not start:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const settlementUrl = /Settlement\s+(http:\/\/[^\s(]+)/.exec(said)?.[1];
  const stop = async () => {
    if (!ended) end();
    await exit;
    process.removeListener("exit", end);
  };
  return { url, settlementUrl, stop, said: () => said };
}
