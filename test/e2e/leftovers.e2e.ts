/** What a command leaves behind: in the menu that it was begun from, and when its terminal goes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { BINARY, makeFile } from "./binary.ts";
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

/** What is typed, once the screen shows what stands before it, and what it shows then. */
type Steps = readonly (readonly [shown: string | RegExp, ...keys: string[]])[];

const PROMPT = /free\)>\s*$/m;
const MENU = ["start a server"] as const;
const SIGNED_IN = `TERM=xterm SHELL=/bin/sh FTPX_PASSWORD=${PASSWORD}`;

/** Where nothing is under way that could go on without a terminal. */
const QUESTIONS: readonly (readonly [string, () => string, string, Steps])[] = [
  ["the menu", () => "", "TERM=xterm", [MENU]],
  [
    "a question of the menu",
    () => "",
    "TERM=xterm",
    [[...MENU, "Down", "Enter"], ["server (HOST"]],
  ],
  [
    "the menu behind a server that failed",
    () => "",
    "TERM=xterm",
    [
      [...MENU, "Enter"],
      ["data directory", "data", "Enter"],
      ["listen on", "nonsense", "Enter"],
      [/is not HOST:PORT[^]*● start a server/],
    ],
  ],
  [
    "a user's name",
    () => `connect 127.0.0.1:${server.port}`,
    "TERM=xterm",
    [["ask for an account", "Enter"], ["user name"]],
  ],
  [
    "the trust question",
    () => `connect ann@127.0.0.1:${server.port}`,
    `TERM=xterm FTPX_HOME=strangers`,
    [["Trust it from now on?"]],
  ],
  ["a password", () => `connect ${server.target("ann")}`, "TERM=xterm", [["password of ann"]]],
  ["the shell", () => `connect ${server.target("ann")}`, SIGNED_IN, [[PROMPT]]],
  [
    "a password in the shell",
    () => `connect ${server.target("ann")}`,
    SIGNED_IN,
    [[PROMPT, "passwd", "Enter"], ["current password:"]],
  ],
];

const SIGNALS = [
  ["ends with its terminal", ":"],
  ["ends with its terminal when no signal tells it", "trap '' HUP"],
] as const;

test.each(
  QUESTIONS.flatMap(([place, ...rest]) =>
    SIGNALS.map(([how, setup]) => [place, how, setup, ...rest] as const),
  ),
)("a client at %s %s", async (_place, _how, setup, words, env, steps) => {
  const pids = await closeBehind(words(), env, steps, setup);

  expect(await leftOf(pids)).toEqual([]);
});

test.each([
  ["a put of the shell", "put --limit 1M big one"],
  ["a command of this machine", "! sleep 300"],
  ["a pager", "! exec less big"],
  ["a shell of this machine", "!"],
])("a client in %s ends with its terminal, and leaves no process", async (_what, line) => {
  makeFile(scene.path("big"), 64 * 1024 * 1024);
  const steps: Steps = [[PROMPT, line, "Enter"], [line]];
  const pids = await closeBehind(`connect ${server.target("ann")}`, SIGNED_IN, steps, ":", 1000);

  expect(await leftOf(pids)).toEqual([]);
});

test.each([
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("%s of a shell ends the command that it waits for", async (signal, status) => {
  const words = `connect ${server.target("ann")}`;
  for (const line of ["! exec sleep 300", "!"]) {
    const screen = await Screen.open(scene, words, 100, SIGNED_IN);
    await screen.shows(PROMPT);
    await screen.type(line, "Enter");
    await Bun.sleep(500);
    const pids = await screen.pids();
    process.kill(await screen.pid(), signal);
    await screen.shows(`status ${status}`);
    expect(await leftOf(pids)).toEqual([]);
    await screen.close();
  }
});

test("a put that nobody tells of the end of its terminal is done, and the shell ends", async () => {
  makeFile(scene.path("slow"), 3 * 1024 * 1024);
  const steps: Steps = [[PROMPT, "put --limit 1M slow done", "Enter"], ["put --limit"]];
  const words = `connect ${server.target("ann")}`;
  const pids = await closeBehind(words, SIGNED_IN, steps, "trap '' HUP", 500);

  expect(await leftOf(pids)).toEqual([]);
  expect(await Bun.file(`${scene.data}/storage/ann/done`).exists()).toBeTrue();
});

test.each([
  ["in a terminal", "serve --listen 127.0.0.1:0 --data hung1", [["Make an account now?"]]],
  [
    "from the menu",
    "",
    [
      [...MENU, "Enter"],
      ["data directory", "hung2", "Enter"],
      ["Make it?", "y"],
      ["listen on", "127.0.0.1:0", "Enter"],
      ["Make an account now?"],
    ],
  ],
] as const)("a server %s stops in good order with the terminal", async (place, words, steps) => {
  const pids = await closeBehind(words, "TERM=xterm", steps);

  expect(await leftOf(pids)).toEqual([]);
  const folder = place === "from the menu" ? "hung2" : "hung1";
  const log = await Bun.file(scene.path(folder, "storage/.ftpx/audit.log")).text();
  expect(log).toMatch(/"event":"shutdown","signal":"SIGHUP","clean":true/);
});

test("a server whose output goes elsewhere goes on without its terminal, at rest", async () => {
  const folder = scene.path("kept");
  const command = `${BINARY} serve --listen 127.0.0.1:0 --data ${folder} > ${scene.path("log")}`;
  const screen = await Screen.run(`mkdir ${folder}; ${command}; sleep 60`, 100, 50);
  await screen.shows("Make an account now?");
  const pid = await screen.pid();
  await screen.close();
  await Bun.sleep(500);
  const beforeTicks = ticksOf(pid);
  await Bun.sleep(2000);

  // Of 200; one that spins uses a third of them and more.
  expect(ticksOf(pid) - beforeTicks).toBeLessThan(30);
  const who = await scene.run(["who", "--data", folder]);
  expect(who).toMatchObject({ status: 0, stdout: "" });
  process.kill(pid, "SIGTERM");
  expect(await leftOf([pid])).toEqual([]);
});

/** Opens a terminal, takes the steps, and closes it. @returns the processes that were in it */
async function closeBehind(
  words: string,
  env: string,
  steps: Steps,
  setup = ":",
  pauseMs = 300,
): Promise<number[]> {
  const screen = await Screen.open(scene, words, 100, env, setup);
  for (const [shown, ...keys] of steps) {
    await screen.shows(shown);
    if (keys.length > 0) await screen.type(...keys);
  }
  // A question listens a moment after it is shown.
  await Bun.sleep(pauseMs);
  const pids = await screen.pids();
  expect(pids).toContain(await screen.pid());
  await screen.close();
  return pids;
}

/**
 * Those that are still there after a time that is ample, but for the terminal's own last one. They
 * are killed then: one may be spinning.
 */
async function leftOf(pids: readonly number[]): Promise<string[]> {
  const deadlineMs = performance.now() + 6000;
  for (;;) {
    const left = pids.filter((pid) => !/^(?:sleep 60 )?$/.test(commandOf(pid)));
    if (left.length === 0) return [];
    if (performance.now() > deadlineMs) {
      const commands = left.map(commandOf);
      for (const pid of left) process.kill(pid, "SIGKILL");
      return commands;
    }
    await Bun.sleep(50);
  }
}

/** Nothing when there is no such process. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Hundredths of a second on a processor. */
function ticksOf(pid: number): number {
  const [, rest = ""] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  const fields = rest.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
