/** `ftpx uploads`: the operator sees and gives up what others have not finished. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { anyJsonLines, jsonLines } from "../support/jsonlines.ts";
import { linesOf, makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

const MIB = 1024 * 1024;
const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };
/** More than comes in a second. */
const BYTES = 24 * MIB;

let scene: Scene;
let server: Server;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await scene.addUser("bob", "pw");
  server = await scene.serve();
});

afterEach(() => scene.end());

const operate = (...words: string[]) => scene.run(["uploads", ...words, "--data", scene.data]);
const parts = () => readdir(scene.path("data", "storage", ".ftpx", "parts"));
const isWell = async () => (await scene.run(["check", "--data", scene.data])).status === 0;

async function listed(...words: string[]): Promise<Record<string, unknown>[]> {
  const { status, stdout } = await operate(...words, "--json");
  expect(status).toBe(0);
  return anyJsonLines(stdout);
}

async function reservedOf(user: string): Promise<unknown> {
  const { stdout } = await scene.run(["users", user, "--json", "--data", scene.data]);
  const { reservedBytes, unfinishedCount } = JSON.parse(stdout) as Record<string, unknown>;
  return [reservedBytes, unfinishedCount];
}

/** Resolves when some of the file is on the server. */
async function startPut(user: string, name: string) {
  makeFile(scene.path(name), BYTES);
  const target = server.target(user, `/${name}`);
  const words = ["put", scene.path(name), target, "--json", "--limit", "12MiB"];
  const child = scene.start(words, PASSWORD);
  const stderr = new Response(child.stderr).text();
  const begun = Promise.withResolvers<void>();
  const follow = async () => {
    for await (const line of linesOf(child.stdout)) {
      if (((JSON.parse(line) as { bytes?: number }).bytes ?? 0) > 0) begun.resolve();
    }
  };
  const ended = follow().then(async () => ({ status: await child.exited, stderr: await stderr }));
  await begun.promise;
  return { child, ended };
}

async function cutOff(user: string, name: string): Promise<void> {
  const put = await startPut(user, name);
  put.child.kill("SIGKILL");
  await put.ended;
  while ((await listed(user)).some(({ open }) => open === true)) await Bun.sleep(20);
}

test("unfinished uploads of all are listed, and one that is dropped gives its room back", async () => {
  await cutOff("ann", "a");
  await cutOff("bob", "b");
  expect(await listed()).toMatchObject([
    { event: "unfinished", user: "ann", path: "/a", bytes: BYTES, open: false },
    { event: "unfinished", user: "bob", path: "/b", bytes: BYTES, open: false },
  ]);
  const { stdout } = await operate();
  expect(stdout).toMatch(/^USER +HELD +OF +IDLE FOR +PATH$/m);
  expect(stdout).toMatch(/^bob +[\d.]+ .?B +25\.2 MB +.* +\/b$/m);
  expect(await reservedOf("ann")).toEqual([BYTES, 1]);
  const dropped = await operate("ann", "/a", "--drop");

  expect([dropped.status, dropped.stderr]).toEqual([
    0,
    "dropped /a of ann: 25.2 MB are free again\n",
  ]);
  expect(await reservedOf("ann")).toEqual([0, 0]);
  expect(await listed()).toMatchObject([{ user: "bob" }]);
  expect(await parts()).toHaveLength(1);
  const event = await server.event("upload-dropped");
  expect(event).toMatchObject({ name: "ann", path: "/a", bytes: BYTES, door: "operator" });
  expect(await isWell()).toBe(true);
});

test("one that is under way is refused; forced, its transfer ends and does not come back", async () => {
  const put = await startPut("ann", "a");
  const refused = await operate("ann", "a", "--drop");
  expect(refused.status).toBe(75);
  expect(refused.stderr).toContain("--force ends its transfer");
  expect(await listed("ann")).toMatchObject([{ path: "/a", open: true }]);
  const forced = await operate("ann", "a", "--drop", "--force");

  expect(forced.status).toBe(0);
  const { status, stderr } = await put.ended;
  expect(status).toBe(77);
  expect(stderr).toContain("/a: the operator has given this upload up");
  expect(await listed()).toEqual([]);
  expect(await parts()).toEqual([]);
  expect(await reservedOf("ann")).toEqual([0, 0]);
  expect(await isWell()).toBe(true);
});

test("without a server all of a user are given up, and the audit log has it", async () => {
  await cutOff("ann", "a");
  await cutOff("ann", "c");
  await server.stop();
  const dropped = await operate("ann", "--drop");

  expect([dropped.status, dropped.stderr.split("\n").length]).toEqual([0, 3]);
  expect(await listed()).toEqual([]);
  expect(await parts()).toEqual([]);
  const log = await Bun.file(scene.path("data", "storage", ".ftpx", "audit.log")).text();
  expect(jsonLines(log).slice(-2)).toMatchObject([
    { event: "upload-dropped", name: "ann", path: "/a", bytes: BYTES, while: "stopped" },
    { event: "upload-dropped", name: "ann", path: "/c", bytes: BYTES, while: "stopped" },
  ]);
});

test("what is not there, and wishes that say too little, are refused", async () => {
  await cutOff("ann", "a");

  expect((await operate("ann", "/none", "--drop")).status).toBe(66);
  expect((await operate("ann", "/none")).status).toBe(66);
  expect((await operate("eve")).status).toBe(66);
  expect((await operate("--drop")).status).toBe(64);
  expect((await operate("ann", "--force")).status).toBe(64);
  expect((await operate("bob", "--drop")).stderr).toBe("no unfinished uploads\n");
  expect(await listed()).toHaveLength(1);
});

test("what an account that is gone has left can be seen and given up", async () => {
  await cutOff("ann", "a");
  await scene.run(["userdel", "ann", "--data", scene.data]);
  await server.event("account-removed");
  expect(await listed()).toMatchObject([{ user: "ann", path: "/a" }]);

  expect((await operate("ann", "--drop")).status).toBe(0);
  expect(await listed()).toEqual([]);
});
