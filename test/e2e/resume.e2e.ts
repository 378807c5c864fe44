/** Interrupted transfers go on where they were, proved, whatever was interrupted. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, openSync, utimesSync, writeSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { withChance } from "../support/chance.ts";
import { BINARY, linesOf, makeFile, Scene, sha256Of } from "./binary.ts";
import type { Server } from "./binary.ts";
import { startPut } from "./puts.ts";

const MIB = 1024 * 1024;
const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;
let server: Server;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterEach(() => scene.end());

interface Done {
  readonly event: string;
  readonly bytes: number;
  readonly resumedAt: number;
}

function doneOf(stdout: string): Done {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Done;
}

/** Runs a command until it has reported so many bytes, then ends it with a signal. */
async function runUntil(words: string[], bytes: number, signal: NodeJS.Signals) {
  const child = scene.start([...words, "--json"], PASSWORD);
  for await (const line of linesOf(child.stdout)) {
    const event = JSON.parse(line) as { event: string; bytes?: number };
    if (event.event === "progress" && (event.bytes ?? 0) >= bytes) {
      child.kill(signal);
      break;
    }
  }
  const [status, stderr] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  return { status, stderr };
}

test("a put that is cut ten times at random arrives, and little is sent twice", async () => {
  // By hand: FTPX_MIB=1024.
  const bytes = Number(process.env["FTPX_MIB"] ?? 256) * MIB;
  const sum = makeFile(scene.path("big"), bytes);
  await withChance(async (chance) => {
    const line = scene.line(server.port);
    const target = server.target("ann", "/big", line.port);
    const put = scene.run(["put", scene.path("big"), target], PASSWORD);
    const places = Array.from({ length: 10 }, () => chance.below(Math.floor(bytes * 0.95)));
    for (const place of places.toSorted((a, b) => a - b)) {
      while (!line.isOpen || line.toServerBytes < place) await Bun.sleep(2);
      line.cut();
    }

    expect((await put).status).toBe(0);
    expect(await sha256Of(`${scene.data}/storage/ann/big`)).toBe(sum);
    // Ten cuts cost ten times what is in flight, and never the file again.
    console.log(`sent ${(line.toServerBytes / bytes).toFixed(3)} times the file`);
    expect(line.toServerBytes).toBeLessThan(bytes + 10 * 16 * MIB);
  });
}, 60_000);

test.each([
  ["a large file", 6 * MIB, []],
  ["a small file", 300 * 1024, []],
  ["a file that must not replace", 6 * MIB, ["--no-clobber"]],
])("a commit whose answer is lost: %s is not sent again", async (_case, bytes, options) => {
  const sum = makeFile(scene.path("f"), bytes);
  const line = scene.line(server.port);
  line.deafAfterBytes = bytes;
  const put = scene.run(
    ["put", scene.path("f"), server.target("ann", "/f", line.port), ...options],
    PASSWORD,
  );
  await server.event("transfer");
  line.deafAfterBytes = Number.POSITIVE_INFINITY;
  line.cut();

  const { status, stdout } = await put;
  expect([status, stdout]).toEqual([0, expect.stringContaining("f  ")]);
  expect(await sha256Of(`${scene.data}/storage/ann/f`)).toBe(sum);
  expect(line.toServerBytes).toBeLessThan(bytes * 1.5);
  const { stdout: quota } = await scene.run(["quota", server.target("ann"), "--json"], PASSWORD);
  expect(JSON.parse(quota)).toMatchObject({ usedBytes: bytes, reservedBytes: 0 });
});

test("kill -9 of the client in a get: the same get goes on", async () => {
  const bytes = 128 * MIB;
  const sum = makeFile(`${scene.data}/storage/ann/big`, bytes);
  const words = ["get", server.target("ann", "/big"), scene.path("big"), "--limit", "100M"];
  await runUntil(words, bytes / 2, "SIGKILL");
  expect(await Bun.file(scene.path("big")).exists()).toBe(false);

  const again = await scene.run([...words.slice(0, 3), "--json"], PASSWORD);
  expect(again.status).toBe(0);
  expect(doneOf(again.stdout).resumedAt).toBeGreaterThan(bytes * 0.45);
  expect(await sha256Of(scene.path("big"))).toBe(sum);
  expect((await readdir(scene.folder)).filter((name) => name.includes("ftpx-part"))).toEqual([]);
}, 60_000);

test("kill -9 of the server in a put: the client goes on by itself when it is back", async () => {
  const bytes = 128 * MIB;
  const sum = makeFile(scene.path("big"), bytes);
  const port = String(server.port);
  const line = scene.line(server.port);
  const target = server.target("ann", "/big", line.port);
  const put = scene.run(["put", scene.path("big"), target, "--limit", "50M"], PASSWORD);
  while (line.toServerBytes < bytes / 2) await Bun.sleep(5);
  await server.kill();
  expect(await readdir(`${scene.data}/storage/ann`)).toEqual([]);
  server = await scene.serve("--listen", `127.0.0.1:${port}`);

  const { status } = await put;
  expect(status).toBe(0);
  const { resumedAt } = await server.event("transfer");
  expect(resumedAt).toBeGreaterThan(16 * MIB);
  expect(await sha256Of(`${scene.data}/storage/ann/big`)).toBe(sum);
}, 60_000);

test.each([
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)(
  "%s ends a put in good order: %d, a line and an event",
  async (signal, wanted) => {
    const bytes = 64 * MIB;
    makeFile(scene.path("ended"), bytes);
    const words = ["put", scene.path("ended"), server.target("ann", "/ended"), "--limit", "50M"];
    const child = scene.start([...words, "--json", "--restart"], PASSWORD);
    const events: Record<string, unknown>[] = [];
    for await (const line of linesOf(child.stdout)) {
      const event = JSON.parse(line) as Record<string, unknown>;
      events.push(event);
      if (event["event"] === "progress" && Number(event["bytes"]) > bytes / 4) child.kill(signal);
    }

    expect(await child.exited).toBe(wanted);
    expect(await new Response(child.stderr).text()).toContain(`interrupted by ${signal}`);
    const failed = { event: "failed", error: "INTERRUPTED", exit: wanted };
    expect(events.findLast(({ event }) => event === "failed")).toMatchObject(failed);
    const again = await scene.run([...words.slice(0, 3), "--json"], PASSWORD);
    expect(doneOf(again.stdout).resumedAt).toBeGreaterThan(0);
  },
  60_000,
);

test("a put that nohup has started does not hear SIGHUP", async () => {
  const bytes = 16 * MIB;
  makeFile(scene.path("hung"), bytes);
  const words = ["put", scene.path("hung"), server.target("ann", "/hung"), "--limit", "8M"];
  const env = { ...process.env, FTPX_HOME: scene.path("home"), ...PASSWORD.env };
  const command = ["nohup", BINARY, ...words, "--json"];
  const child = Bun.spawn(command, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  for await (const line of linesOf(child.stdout)) {
    if (line.includes('"progress"')) child.kill("SIGHUP");
  }

  expect(await child.exited).toBe(0);
}, 60_000);

test("Ctrl-C in a put: 130, and the same put goes on from another connection", async () => {
  const bytes = 96 * MIB;
  const sum = makeFile(scene.path("big"), bytes);
  const words = ["put", scene.path("big"), server.target("ann", "/big")];
  const cut = await runUntil([...words, "--limit", "50M"], bytes / 2, "SIGINT");
  expect(cut.status).toBe(130);
  expect(cut.stderr).toEndWith(
    "interrupted\nhint: run the same command again: it goes on where it was\n",
  );

  const again = await scene.run([...words, "--json"], PASSWORD);
  expect(again.status).toBe(0);
  expect(doneOf(again.stdout).resumedAt).toBeGreaterThan(bytes * 0.4);
  expect(await sha256Of(`${scene.data}/storage/ann/big`)).toBe(sum);
}, 60_000);

test.each([
  ["with a new mtime", false],
  ["with the old mtime", true],
])(
  "F2: a source that changed at its front %s is never mixed with the old one",
  async (_case, keepsTime) => {
    const bytes = 64 * MIB;
    makeFile(scene.path("big"), bytes);
    const words = ["put", scene.path("big"), server.target("ann", "/big")];
    await runUntil([...words, "--limit", "50M"], bytes / 2, "SIGINT");
    const { atime, mtime } = await stat(scene.path("big"));
    const fd = openSync(scene.path("big"), "r+");
    writeSync(fd, Buffer.from("changed"), 0, 7, 9 * MIB);
    closeSync(fd);
    if (keepsTime) utimesSync(scene.path("big"), atime, mtime);

    const again = await scene.run([...words, "--json"], PASSWORD);
    expect(again.status).toBe(0);
    // The first chunk is still the same, the second is not.
    expect(doneOf(again.stdout).resumedAt).toBe(8 * MIB);
    expect(await sha256Of(`${scene.data}/storage/ann/big`)).toBe(await sha256Of(scene.path("big")));
  },
  60_000,
);

test("F2: a download whose remote file changed keeps only what is equal", async () => {
  const bytes = 64 * MIB;
  const remote = `${scene.data}/storage/ann/big`;
  makeFile(remote, bytes);
  const words = ["get", server.target("ann", "/big"), scene.path("big")];
  await runUntil([...words, "--limit", "50M"], bytes / 2, "SIGINT");
  const fd = openSync(remote, "r+");
  writeSync(fd, Buffer.from("changed"), 0, 7, 17 * MIB);
  closeSync(fd);

  const again = await scene.run([...words, "--json"], PASSWORD);
  expect(again.status).toBe(0);
  expect(doneOf(again.stdout).resumedAt).toBe(16 * MIB);
  expect(await sha256Of(scene.path("big"))).toBe(await sha256Of(remote));
}, 60_000);

test("an interrupted overwrite leaves the old file", async () => {
  await Bun.write(`${scene.data}/storage/ann/big`, "old");
  makeFile(scene.path("big"), 64 * MIB);
  await runUntil(
    ["put", scene.path("big"), server.target("ann", "/big"), "--limit", "20M"],
    16 * MIB,
    "SIGKILL",
  );

  expect(await readFile(`${scene.data}/storage/ann/big`, "utf8")).toBe("old");
  const { stdout } = await scene.run(["quota", server.target("ann"), "--json"], PASSWORD);
  expect(JSON.parse(stdout)).toMatchObject({ reservedBytes: 64 * MIB });
}, 60_000);

test("F11: SIGTERM lets a transfer finish, and the exit status is 0", async () => {
  const { begun, ended, sha256 } = startPut(scene, "big", server.target("ann", "/big"), 32, 20);
  await begun;

  expect(await server.stop()).toBe(0);
  expect((await ended).status).toBe(0);
  expect(await sha256Of(`${scene.data}/storage/ann/big`)).toBe(sha256);
}, 60_000);
