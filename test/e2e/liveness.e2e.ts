/** Live lines in a real terminal: what a person does to them, and what they leave behind. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Screen } from "./screen.ts";

const MIB = 1024 * 1024;
/** What is erased from the first row on, tmux keeps as if it had scrolled away. */
const SETUP = "echo begin";
const ENV = "TERM=xterm FTPX_PASSWORD=pw";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  makeFile(scene.path("film"), 24 * MIB);
});

afterAll(() => Screen.endAll(scene));

test("Enter during a transfer moves nothing, and the terminal echoes again after it", async () => {
  const words = `put film --limit 8M ${server.target("ann", "/a")}`;
  const screen = await Screen.open(scene, words, 100, ENV, SETUP);
  await screen.shows(/film .*ETA/);
  await screen.type("Enter", "Enter", "Enter");
  await screen.shows(/film .*[4-9]\d%/);
  const during = await screen.text();
  await screen.shows("status 0");

  expect(during.match(/^film /gm)).toHaveLength(1);
  expect((await screen.text()).match(/^film /gm)).toHaveLength(1);
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("Ctrl-C in a transfer leaves a terminal that echoes", async () => {
  const words = `put film --limit 4M ${server.target("ann", "/b")}`;
  const screen = await Screen.open(scene, words, 100, ENV, SETUP);
  await screen.shows(/film .*ETA/);
  await screen.type("C-c");

  await screen.shows("status 130");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("a connection that was lost and is back leaves one line", async () => {
  const line = scene.line(server.port);
  const words = `put film --limit 8M ${server.target("ann", "/c", line.port)}`;
  const screen = await Screen.open(scene, words, 100, ENV, SETUP);
  await screen.shows(/film .*[2-9]\d%/);
  line.cut();
  await screen.shows("status 0");

  expect((await screen.text()).match(/^connection lost; back after .*s$/gm)).toHaveLength(1);
  await screen.close();
});
