/** What a command leaves behind: in the menu that it was begun from, and when its terminal goes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Scene, Server } from "./binary.ts";
import { openStage, PASSWORD, Screen } from "./screen.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  ({ scene, server } = await openStage());
});

afterAll(() => Screen.endAll(scene));

test("a server that failed leaves nothing in the menu: a shell from it runs commands", async () => {
  const env = `TERM=xterm SHELL=/bin/sh FTPX_DATA=${scene.data} FTPX_HOME=${scene.path("third")}`;
  const screen = await Screen.open(scene, "", 100, env);
  await screen.shows("start a server");
  await screen.type("Enter");
  await screen.shows("data directory");
  await screen.type("Enter");
  await screen.shows("listen on");
  await screen.type("nonsense", "Enter");
  await screen.shows(/is not HOST:PORT[^]*● start a server/);
  // What cannot be taken back.
  const status = await Bun.file(`/proc/${await screen.pid()}/status`).text();
  expect(status).toMatch(/^NoNewPrivs:\s+0$/m);
  expect(status).toMatch(/^Seccomp:\s+0$/m);
  await screen.type("Down", "Enter");
  await screen.shows("server (HOST");
  await screen.paste(server.target("ann"));
  await screen.type("Enter");
  await screen.answer(/password of ann/, PASSWORD);
  await screen.shows(/ann@.* free\)>\s*$/m);
  await screen.type("! echo $((6 * 7)) here", "Enter");
  await screen.shows("42 here");
  await screen.type("q", "Enter");
  await screen.shows("status 0");
  await screen.close();
});

test("SIGTERM of a menu stops the server that was started from it, in good order", async () => {
  const screen = await Screen.open(scene, "", 100, `TERM=xterm FTPX_DATA=${scene.data}2`);
  await screen.shows("start a server");
  await screen.type("Enter");
  await screen.shows("data directory");
  await screen.type("Enter");
  await screen.shows("Make it?");
  await screen.type("y");
  await screen.shows("listen on");
  await screen.type("127.0.0.1:0", "Enter");
  await screen.shows("Make an account now?");
  await screen.type("n");
  await screen.shows(/◇ {2}Make an account now\?/);
  await Bun.sleep(300);
  process.kill(await screen.pid(), "SIGTERM");
  await screen.shows("status 0");
  await screen.close();
  const log = await Bun.file(`${scene.data}2/storage/.ftpx/audit.log`).text();
  expect(log).toMatch(/"event":"shutdown","signal":"SIGTERM","clean":true/);
});
