/**
 * F11: the server is told to stop while uploads are under way. What ends within the grace
 * ends well, the rest stays resumable, and clients that are still there go on by themselves
 * when it is back.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { violations } from "../campaign/invariant.ts";
import { outcomeOf } from "../support/refusal.ts";
import { Scene, sha256Of } from "./binary.ts";
import type { Server } from "./binary.ts";
import { startPut } from "./puts.ts";
import type { Put } from "./puts.ts";
import { commitPiece, openUpload, sendPiece, signedIn } from "./wire.ts";

export const COVERS = [
  ["put", "SIGTERM"],
  ["resume", "SIGTERM"],
  ["sign-in", "SIGTERM"],
  ["stop", "SIGTERM"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

const MIB = 1024 * 1024;
const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

/** What a client with a limit has in flight when it is cut, and what it says to sign in again. */
const CUT_BYTES_MAX = MIB;

let scene: Scene;
let server: Server;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
});

afterEach(() => scene.end());

const putSlowly = (name: string, mib: number, mibPerSecond: number, port: number) =>
  startPut(scene, name, server.target("ann", `/${name}`, port), mib, mibPerSecond);

async function expectStored(puts: readonly Put[]): Promise<void> {
  for (const { name, sha256, ended } of puts) {
    const { status, stderr } = await ended;
    expect([name, status, stderr]).toEqual([name, 0, expect.any(String)]);
    expect(await sha256Of(`${scene.data}/storage/ann/${name}`)).toBe(sha256);
  }
  expect(await violations(scene)).toEqual([]);
  expect(await readdir(`${scene.data}/storage/.ftpx/parts`)).toEqual([]);
}

async function serveAgain(): Promise<void> {
  server = await scene.serve("--listen", `127.0.0.1:${server.port}`);
}

test("F11: of 20 uploads some end within the grace, the rest go on after the restart", async () => {
  server = await scene.serve("--grace", "5s");
  const line = scene.line(server.port);
  const puts = Array.from({ length: 20 }, (_, index) => {
    const isShort = index % 2 === 0;
    return putSlowly(`f${index}`, isShort ? 5 : 24, 2, line.port);
  });
  await Promise.all(puts.map(({ begun }) => begun));
  server.process.kill("SIGTERM");
  await server.event("draining");

  const late = await scene.run(["ls", server.target("ann")], PASSWORD);
  expect(late.status).toBe(69);
  expect(await server.process.exited).toBe(0);
  expect(await server.event("shutdown")).toMatchObject({ signal: "SIGTERM", clean: true });
  const told = server.events.map(({ event }) => event);
  const stored = told.filter((event) => event === "transfer").length;
  expect(told.slice(told.indexOf("draining"))).toContain("transfer");
  expect(stored).toBeLessThan(20);
  const parts = await readdir(`${scene.data}/storage/.ftpx/parts`);
  expect(parts.length).toBe(20 - stored);

  await serveAgain();
  await expectStored(puts);
  const resumed = server.events.filter(({ event }) => event === "transfer");
  expect(resumed.length).toBe(20 - stored);
  for (const { resumedAt } of resumed) expect(resumedAt).toBeGreaterThan(0);
  const bytes = puts.reduce((sum, put) => sum + put.bytes, 0);
  console.log(`${parts.length} cuts, ${line.toServerBytes - bytes} bytes more than the files have`);
  expect(line.toServerBytes).toBeLessThan(bytes + parts.length * CUT_BYTES_MAX);
}, 90_000);

test.each([
  ["SIGTERM", "SIGTERM", 143],
  ["SIGINT", "SIGINT", 130],
  ["SIGTERM", "SIGINT", 130],
] as const)(
  "F11: %s and then %s ends at once with %d",
  async (first, second, status) => {
    server = await scene.serve();
    const put = putSlowly("f", 6, 2, server.port);
    await put.begun;
    server.process.kill(first);
    await server.event("draining");
    server.process.kill(second);

    expect(await server.process.exited).toBe(status);
    expect(server.events.some(({ event }) => event === "transfer" || event === "shutdown")).toBe(
      false,
    );
    await serveAgain();
    await expectStored([put]);
  },
  60_000,
);

test("F11: SIGINT drains as SIGTERM does", async () => {
  server = await scene.serve();
  const put = putSlowly("f", 4, 2, server.port);
  await put.begun;
  server.process.kill("SIGINT");

  expect(await server.process.exited).toBe(0);
  expect(await server.event("shutdown")).toMatchObject({ signal: "SIGINT", clean: true });
  await expectStored([put]);
}, 60_000);

test("F11: without a grace everything is cut, and goes on", async () => {
  server = await scene.serve("--grace", "0s");
  const puts = [0, 1, 2, 3].map((index) => putSlowly(`f${index}`, 12, 4, server.port));
  await Promise.all(puts.map(({ begun }) => begun));

  expect(await server.stop()).toBe(0);
  expect(server.events.filter(({ event }) => event === "transfer")).toEqual([]);
  await serveAgain();
  await expectStored(puts);
}, 60_000);

test("F11: a draining server carries on what it began, and begins nothing", async () => {
  server = await scene.serve();
  const content = new TextEncoder().encode("content");
  const [idle, busy] = [await signedIn(server), await signedIn(server)];
  const upload = openUpload(busy, "/began", content.byteLength);
  await upload.reply;
  server.process.kill("SIGTERM");
  await server.event("draining");
  while (idle.isOpen) await Bun.sleep(5);

  expect(await outcomeOf(idle.call("quota", {}))).toBe("DRAINING");
  expect(await outcomeOf(signedIn(server))).toBe("UNREACHABLE");
  expect(await outcomeOf(openUpload(busy, "/late", 1).reply)).toBe("SERVER_STOPPING");
  expect(await outcomeOf(busy.call("quota", {}))).toBe("none");
  await sendPiece(busy, upload.id, 0, content);
  await commitPiece(busy, upload.id, content);
  expect(await server.process.exited).toBe(0);
  expect(await Bun.file(`${scene.data}/storage/ann/began`).text()).toBe("content");
  expect(await readdir(`${scene.data}/storage/ann`)).toEqual(["began"]);
  expect(await violations(scene)).toEqual([]);
}, 30_000);
