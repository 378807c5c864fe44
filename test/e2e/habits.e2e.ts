/** What people type into the shell because other shells take it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Screen } from "./screen.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterAll(() => Screen.endAll(scene));

const script = (...lines: string[]) =>
  scene.run(["connect", server.target("ann")], {
    stdin: `${lines.join("\n")}\n`,
    env: { FTPX_PASSWORD: "pw" },
  });

test("cd - and lcd - go back, there and back again, and say where to", async () => {
  mkdirSync(scene.path("here"));
  for (const verb of ["cd", "lcd"]) {
    expect((await script(`${verb} -`)).stderr).toContain("no other directory was left yet");
  }
  const ran = await script("mkdir a b\ncd a\ncd /b\ncd -\ncd -\npwd", "lcd here\nlcd -\nlcd -");

  const here = scene.path("here");
  expect(ran.stdout.trim().split("\n")).toEqual(["/a", "/b", "/b", scene.folder, here]);
  expect(ran.stderr).toBe("");
});

test("ls -la is ls -l, and clear does nothing where there is no screen", async () => {
  const ran = await script("mkdir .dot", "ls -la", "ls -a", "clear");

  expect(ran.stderr).toBe("");
  expect(ran.stdout).toContain("  .dot\n");
  expect(ran.status).toBe(0);
});

test.each(["ls | more", "ls > list", "ls >list", "ls && ls"])(
  "%p says what there is",
  async (line) => {
    const ran = await script(line);

    expect([ran.status, ran.stdout]).toEqual([64, ""]);
    expect(ran.stderr).toContain("no pipes and redirections here");
  },
);

test("a quoted name may look like a pipe", async () => {
  const ran = await script("mkdir '|' '>x'", "stat '>x'");

  expect([ran.status, ran.stderr]).toEqual([0, ""]);
});

test("Ctrl-R finds an earlier line by what it holds", async () => {
  const words = `connect ${server.target("ann")}`;
  const screen = await Screen.open(scene, words, 100, "TERM=xterm FTPX_PASSWORD=pw");
  await screen.shows(/free\)>\s*$/m);
  await screen.type("mkdir sought", "Enter");
  await screen.shows(/sought[^]*free\)>\s*$/m);
  await screen.type("pwd", "Enter");
  await screen.shows(/pwd\n\/\n[^]*free\)>\s*$/m);
  await screen.type("C-r");
  await screen.type("sou");
  await screen.shows("(search) sou: mkdir sought");
  await screen.type("Enter");
  await screen.shows("/sought: exists already");
  await screen.type("q", "Enter");
  await screen.shows("status 0");
  await screen.close();
});
