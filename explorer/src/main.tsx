// The explorer: what a node knows of both chains, as it happens. docs/explorer.md says what it shows.
import { render } from "preact";
import { Follower } from "./follower";
import { applyTheme } from "../../web/src/theme";
import { App } from "./ui/app";

applyTheme();

addEventListener("DOMContentLoaded", () => {
  const app = document.getElementById("app");
  if (!app) return;
  // Another node than the one that serves the page: for development. The policy of a served page forbids it.
  const url = new URL(new URLSearchParams(location.search).get("rpc") ?? "/", location.href);
  const draw = () => render(<App follower={follower} />, app);
  const follower = new Follower(url.href, draw);
  draw();
  void follower.run();
});
