/** Terminals that are absurd, and names that want to be obeyed by them: P6, R29, R30. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNSAFE_ON_TERMINAL } from "../cli/hostile.ts";
import { jsonLines } from "../support/jsonlines.ts";
import { BINARY, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Screen } from "./screen.ts";

const ENV = { FTPX_PASSWORD: "pw" };
/** It clears the screen and names the window. */
const CLEARING = "\u001b[2J\u001b]0;pwn\u0007";
const NAMES = [CLEARING, "a\rb", "two\nlines", "bidi\u202egnp.exe", "c1\u009b2J", "tab\there"];

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  const home = join(scene.data, "storage/ann");
  for (const name of NAMES) writeFileSync(join(home, name), "12345");
  mkdirSync(join(home, `${CLEARING}dir`));
  server = await scene.serve();
});

afterAll(() => Screen.endAll(scene));

const run = (...words: string[]) => scene.run(words, { env: ENV });

test("P6: no name reaches a terminal as it is, and JSON has it exact", async () => {
  const target = server.target("ann");
  const paths = NAMES.map((name) => `/${name}`);
  const rans = await Promise.all([
    run("ls", target),
    run("ls", "-l", target, ...paths.slice(1)),
    run("stat", target, ...paths),
    run("rm", target, ...paths.map((path) => `${path}/none`)),
    run("put", CLEARING, target),
    run("get", target, ...paths.map((path) => `${path}.none`)),
    run("ls", `${CLEARING}.invalid/`),
    run("bookmark", "add", CLEARING, "h"),
    run(CLEARING),
    run("ls", `--${CLEARING}`),
  ]);
  for (const { stdout, stderr } of rans) {
    for (const line of `${stdout}${stderr}`.split("\n"))
      expect(line).not.toMatch(UNSAFE_ON_TERMINAL);
  }

  const { stdout } = await run("ls", "--json", target);
  const listed = jsonLines<{ name: string }>(stdout).map(({ name }) => name);
  expect(listed.toSorted()).toEqual([...NAMES, `${CLEARING}dir`].toSorted());
});

test("P6: digests are exact in a pipe, and do nothing to a terminal", async () => {
  const target = `'${server.target("ann", "/*")}'`;
  const screen = await Screen.open(scene, `md5 ${target}`, 100, "TERM=xterm FTPX_PASSWORD=pw");
  const text = await screen.shows(/status \d/);

  expect(text).toContain(String.raw`  \x1b[2J\x1b]0;pwn\x07`);
  expect(text).toContain(String.raw`  two\nlines`);
  expect(await screen.title()).not.toContain("pwn");
  await screen.close();
});

test("P6: a data directory with such a name is told harmlessly", async () => {
  const data = scene.path(CLEARING);
  mkdirSync(data);
  const { stderr, status } = await run("useradd", "eve", "--data", data);
  expect(status).toBe(0);
  expect(stderr).toContain("created in ");
  expect(stderr.replaceAll("\n", "")).not.toMatch(UNSAFE_ON_TERMINAL);
});

test("P6: a bookmark that a hand has written shows itself harmless", async () => {
  mkdirSync(scene.path("home"), { recursive: true });
  writeFileSync(scene.path("home", "bookmarks"), `evil ann@h/${CLEARING}\n`);
  const { stdout } = await run("bookmark", "list");
  writeFileSync(scene.path("home", "bookmarks"), "");

  expect(stdout).toBe(`evil  ann@h/\\x1b[2J\\x1b]0;pwn\\x07\n`);
});

test("P6: prompt, completion, history and errors leave the screen and its title alone", async () => {
  const screen = await shell(100);
  const title = await screen.title();
  await screen.type("lpwd", "Enter");
  await screen.shows(/lpwd\n\/[^]*free\)>\s*$/m);
  await screen.type("cd $'\\x1b", "Tab");
  await screen.shows(/cd \$'\\x1b\[2J\\x1b\]0;pwn\\x07/);
  await screen.type("d", "Tab");
  await screen.shows(/x07dir\//);
  await screen.type("'", "Enter");
  await screen.shows(/:\/\\x1b\[2J\\x1b\]0;pwn\\x07dir.*>/);
  await screen.type("ls", "Enter", "stat none", "Enter");
  await screen.shows("no such file or directory");
  await screen.type("history", "Enter");
  await screen.shows(/\d {2}history/);
  await screen.type("q", "Enter");
  const text = await screen.shows("status 0");

  expect(text).toContain("lpwd");
  expect(await screen.title()).toBe(title);
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

async function shell(columns: number, env = "TERM=xterm", setup = ":"): Promise<Screen> {
  const all = `FTPX_PASSWORD=pw ${env}`;
  const screen = await Screen.open(scene, `connect ${server.target("ann")}`, columns, all, setup);
  await screen.shows(/>\s*$/m);
  return screen;
}

test.each([
  ["40 columns", 40, "TERM=xterm", ":"],
  ["10 columns", 10, "TERM=xterm", ":"],
  ["0 columns", 100, "TERM=xterm", "stty cols 0 rows 0"],
  ["an unknown terminal", 80, "TERM=nonsense", ":"],
  ["a terminal without a name", 80, "TERM=", ":"],
])("with %s the shell takes lines, answers and leaves", async (_what, columns, env, setup) => {
  const screen = await shell(columns, env, setup);
  await screen.type("pwd", "Enter");
  await screen.shows(/^\/$/m);
  await screen.type("ls", "Enter");
  await screen.shows("tab");
  await screen.type("nonsense", "Enter");
  await screen.shows(/no\s*v\s*erb/);
  await screen.type("q", "Enter");
  await screen.shows("status 0");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("a dumb terminal is a pipe with a person: lines are commands, and nothing is painted", async () => {
  const env = "FTPX_PASSWORD=pw TERM=dumb";
  const screen = await Screen.open(scene, `connect ${server.target("ann")}`, 80, env);
  await screen.type("pwd", "Enter");
  await screen.shows(/^\/$/m);
  await screen.type("C-d");
  await screen.shows("status 0");
  expect(await screen.painted()).not.toContain("\u001b");
  await screen.close();
});

test("NO_COLOR takes the colours away and nothing else", async () => {
  const words = `ls ${server.target("ann")}`;
  const coloured = await Screen.open(scene, words, 80, "FTPX_PASSWORD=pw TERM=xterm");
  await coloured.shows("status 0");
  expect(await coloured.painted()).toContain("\u001b[34m");
  await coloured.close();
  const plain = await Screen.open(scene, words, 80, "FTPX_PASSWORD=pw TERM=xterm NO_COLOR=1");
  await plain.shows("status 0");
  expect(await plain.painted()).not.toContain("\u001b");
  await plain.close();
});

test("menus fit 40 columns, and a terminal that becomes narrower while they are shown", async () => {
  const screen = await Screen.open(scene, "", 90);
  await screen.shows("start a server");
  await screen.resize(40);
  await screen.type("Down", "Down");
  await screen.shows("● create a user");
  await screen.type("Escape");
  await screen.shows("status 130");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("R29: with pipes on all sides there is no escape and no question", async () => {
  for (const words of [["help"], ["ls", server.target("ann")], [], ["connect"], ["ls"]]) {
    const { stdout, stderr } = await run(...words);
    expect(`${stdout}${stderr}`).not.toContain("\u001b");
  }
});

test.each(["help", "completion bash", "help put"])(
  "whoever reads one line of %p, or none, ends it without a word",
  async (words) => {
    for (const end of ["| head -1", ">&-", "| true"]) {
      const child = Bun.spawn(["bash", "-c", `${BINARY} ${words} ${end}; echo \${PIPESTATUS[0]}`], {
        stderr: "pipe",
      });
      expect(await new Response(child.stdout).text()).toEndWith("0\n");
      expect(await new Response(child.stderr).text()).toBe("");
    }
  },
);

test("who --watch ends when nobody reads it any more", async () => {
  const command = `${BINARY} who --watch --json --data ${scene.data} 2>&- | head -1; echo \${PIPESTATUS[0]}`;
  const reading = Bun.spawn([BINARY, "connect", server.target("ann")], {
    env: { ...process.env, ...ENV, FTPX_HOME: scene.path("watched") },
    stdin: "pipe",
  });
  const child = Bun.spawn(["timeout", "20", "bash", "-c", command]);

  expect(await new Response(child.stdout).text()).toMatch(/^\{.*\}\n0\n$/);
  await reading.stdin.end();
  await reading.exited;
});

test("data that finds no room is told as a full disk, with its status", async () => {
  const child = Bun.spawn(["sh", "-c", `${BINARY} help > /dev/full`], { stderr: "pipe" });

  const told = await new Response(child.stderr).text();
  expect(told).toStartWith("ftpx: standard output: the disk of this machine is full\n");
  expect(await child.exited).toBe(73);
});
