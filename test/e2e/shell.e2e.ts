/** The shell in a real terminal: tmux types, and what the screen shows is compared. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile, stat } from "node:fs/promises";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Screen } from "./screen.ts";

const MIB = 1024 * 1024;
const PASSWORD = "hunter-of-words";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", PASSWORD);
  server = await scene.serve();
});

afterAll(async () => {
  await Screen.closeAll();
  await scene.end();
});

const PROMPT = /ann@127\.0\.0\.1:\d+:\/ \([^)]* free\)>\s*$/m;

test("an unknown key is asked about, and three wrong passwords end with 77", async () => {
  const screen = await Screen.open(scene, `connect ann@127.0.0.1:${server.port}`);
  await screen.shows(server.fingerprint);
  await screen.type("y");
  for (let tries = 1; tries <= 3; tries += 1) {
    await screen.shows(new RegExp(`(password of ann[^]*){${tries}}`));
    await Bun.sleep(300);
    await screen.type("wrong", "Enter");
  }

  const text = await screen.shows("status 77");
  expect(text.match(/sign-in refused|too many wrong passwords/g)?.length).toBeGreaterThanOrEqual(3);
  await screen.close();
});

test("R28: verbs, completion, Ctrl-C and history work, and the password shows nowhere", async () => {
  makeFile(scene.path("big"), 200 * MIB);
  const screen = await Screen.open(scene, `connect ${server.target("ann")}`);
  await screen.shows("password of ann");
  await Bun.sleep(300);
  await screen.type(PASSWORD, "Enter");
  await screen.shows(PROMPT);

  await screen.type('mkdir "my dir"', "Enter");
  await screen.type('put accounts-copy "my dir/my file (1).iso"', "Enter");
  await screen.shows("no such local file or directory");
  await screen.type('put data/accounts.toml "my dir/my file (1).iso"', "Enter");
  await screen.shows(/accounts\.toml {2}.*sha256:/);
  await screen.type("md5 my", "Tab");
  await screen.shows(/md5 my\\? ?dir/);
  await screen.type("Tab");
  await screen.shows(/md5 my\\ dir\/my\\ file/);
  await screen.type("Enter");
  await screen.shows(/^[0-9a-f]{32} {2}my dir\/my file \(1\)\.iso$/m);

  await screen.type("lss", "Enter");
  await screen.shows("did you mean ls?");
  await screen.type("put big --limit 40M", "Enter");
  await screen.shows(/big .*%/);
  await Bun.sleep(1000);
  await screen.type("C-c");
  await screen.shows("interrupted");
  await screen.type("put big", "Enter");
  await screen.shows(/big {2}210 MB {2}sha256:/);
  await screen.type("q", "Enter");

  const text = await screen.shows("status 0");
  expect(text).not.toContain(PASSWORD);
  const history = await readFile(scene.path("home", "history"), "utf8");
  expect(history).toContain("put big --limit 40M");
  expect(history).not.toContain(PASSWORD);
  expect((await stat(scene.path("home", "history"))).mode & 0o777).toBe(0o600);
  await screen.close();
});

test("what is typed while a command runs is neither lost nor run twice", async () => {
  const screen = await Screen.open(scene, `connect ${server.target("ann")}`);
  await screen.shows("password of ann");
  await Bun.sleep(300);
  await screen.type(PASSWORD, "Enter");
  await screen.shows(PROMPT);
  await screen.type(
    "mkdir one",
    "Enter",
    "mkdir two",
    "Enter",
    "mkdir three",
    "Enter",
    "ls",
    "Enter",
    "pw",
  );
  await screen.shows("three/");
  await screen.type("d", "Enter");
  await screen.shows(/^\/$/m);
  await screen.type("q", "Enter");

  const text = await screen.shows("status 0");
  expect(text).not.toContain("exists already");
  await screen.close();
});

test("a terminal of 40 columns shows progress without wrapping it", async () => {
  const screen = await Screen.open(
    scene,
    `put big ${server.target("ann", "/narrow")} --limit 40M`,
    40,
  );
  await screen.shows("password of ann");
  await Bun.sleep(300);
  await screen.type(PASSWORD, "Enter");

  const text = await screen.shows(/\d+ ?%/);
  expect(text.split("\n").filter((line) => /\d+ ?%/.test(line)).length).toBeLessThanOrEqual(2);
  await screen.type("C-c");
  await screen.shows("status 130");
  await screen.close();
});
