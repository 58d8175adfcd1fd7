// A pool whose fee falls with what a trader can prove to have traded. The pool's address is in the page's, after `#`.
import { render } from "preact";
import { type Hex, isAddress } from "viem";
import { App } from "./app";
import { Follower } from "./follower";
import { findWallets } from "./wallets";
import { applyTheme } from "../../../web/src/theme";

applyTheme();

const named = (): Hex | null => {
  const address = location.hash.slice(1);
  return isAddress(address, { strict: false }) ? address : null;
};

addEventListener("DOMContentLoaded", () => {
  const app = document.getElementById("app");
  if (!app) return;
  // Another node than the one that serves the page: for development. The policy of a served page forbids it.
  const url = new URL(new URLSearchParams(location.search).get("rpc") ?? "/", location.href);
  const draw = () => render(<App follower={follower} />, app);
  const follower = new Follower(url.href, draw);
  addEventListener("hashchange", () => follower.open(named()));
  follower.open(named());
  findWallets(draw);
  void follower.run();
});
