/**
 * Peers that are slow, silent, greedy or busy with nothing: what they do ends, and others are
 * served meanwhile. Crowds of them are campaign/crowds.ts's.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import {
  EMPTY_FRAMES_MAX,
  REQUESTS_MAX,
  SIGN_IN_MS_MAX,
  UNWRITTEN_BYTES_MAX,
} from "../../src/base/limits.ts";
import { HOME } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { TABLE } from "../../src/commands/table.ts";
import { encodeFrame, HEADER_BYTES, PING } from "../../src/wire/frame.ts";
import { encodeBody } from "../../src/wire/shape.ts";
import { residentBytesOf } from "../support/process.ts";
import { outcomeOf } from "../support/refusal.ts";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Stranger } from "./stranger.ts";
import { greeted, openUpload, signedIn } from "./wire.ts";

const NOTHING = new Uint8Array(0);
const DEADLINE_MS = 60_000;
const MIB = 1024 * 1024;

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

/** Of the test that holds up the disk, should it fail. */
let slowScene: Scene | undefined;
const tracers: Bun.Subprocess[] = [];

afterAll(async () => {
  for (const tracer of tracers) tracer.kill("SIGKILL");
  await slowScene?.end();
  await scene.end();
});

/** Sends until the server has closed; answers why it did. */
async function flood(client: Client, send: (round: number) => void): Promise<string | undefined> {
  for (let round = 0; client.isOpen && round < 1_000_000; round += 1) {
    send(round);
    // Or nothing would go out, and nobody would hear of the end.
    if (round % 1000 === 999) await Bun.sleep(1);
  }
  return client.ended?.kind;
}

test("D7: of a million pings the server answers as many as the rule allows, and closes", async () => {
  const other = await signedIn(server);
  const stranger = await Stranger.connect(server.port, "127.7.0.1");
  await stranger.shaken;
  const pings = Buffer.concat(
    Array.from({ length: 1000 }, (_hole, index) => encodeFrame(PING, 0, index, NOTHING)),
  );
  const flooding = (async () => {
    for (let sent = 0; sent < 1_000_000 && stranger.isOpen; sent += 1000) {
      await stranger.send(pings);
    }
  })();
  await Promise.all([flooding, stranger.closed]);

  // And what the seconds that it took have allowed for beside them.
  expect(stranger.receivedBytes / HEADER_BYTES).toBeLessThan(EMPTY_FRAMES_MAX * 1.5);
  expect(stranger.lastError).toBe("EMPTY_FRAMES");
  expect(await outcomeOf(other.call("quota", {}))).toBe("none");
  other.close();
});

test.each([
  [
    "unknown commands",
    async (client: Client) =>
      await flood(client, (round) => client.connection.send(0x7f, 0, 1000 + round, NOTHING)),
  ],
  [
    "bodies that are none",
    async (client: Client) =>
      await flood(client, (round) =>
        client.connection.send(TABLE.stat.code, 0, 1000 + round, NOTHING),
      ),
  ],
  [
    "acknowledgements of transfers that are over",
    async (client: Client) => {
      const { id, reply } = openUpload(client, "/acked", 10);
      await reply;
      await client.call("closeTransfer", { transfer: id, isDiscarded: true });
      return await flood(client, (round) => client.notify(id, "ack", { offset: round * 1000 }));
    },
  ],
  [
    "acknowledgements of the same",
    async (client: Client) => {
      await Bun.write(`${scene.data}/storage/ann/same`, new Uint8Array(20_000_000));
      const heard = { notice: () => {}, failed: () => {} };
      const request = { path: "/same" as never, algorithm: "sha256", fromOffset: 0 } as const;
      const { id, reply } = client.start(
        "openDownload",
        { ...request, version: undefined, windowBytes: 1 },
        heard,
      );
      await reply;
      return await flood(client, () => client.notify(id, "ack", { offset: 0 }));
    },
  ],
])(
  "D7: %s without end are closed with a typed error, and others are served",
  async (_what, run) => {
    const other = await signedIn(server);
    const client = await signedIn(server);

    expect(await run(client)).toBe("EMPTY_FRAMES");
    expect(await outcomeOf(other.call("list", { path: HOME, cursor: 0 }))).toBe("none");
    other.close();
  },
);

test("requests above the bound are refused, those below are answered, and the session goes on", async () => {
  const client = await signedIn(server);
  const asked = Array.from({ length: REQUESTS_MAX + 100 }, () =>
    outcomeOf(client.call("stat", { path: HOME })),
  );
  const counts = Object.groupBy(await Promise.all(asked), (outcome) => outcome);

  expect(counts["none"]?.length).toBeGreaterThanOrEqual(REQUESTS_MAX);
  expect(Object.keys(counts).every((kind) => ["none", "TOO_MANY_REQUESTS"].includes(kind))).toBe(
    true,
  );
  expect(await outcomeOf(client.call("quota", {}))).toBe("none");
  client.close();
});

test("D7: requests that are answered with a no, as fast as they go, are no loop", async () => {
  const client = await signedIn(server);
  const missing = encodeBody(TABLE.stat.request, { path: "/none" as never });
  for (let index = 0; index < 2 * EMPTY_FRAMES_MAX; index += REQUESTS_MAX) {
    for (let count = 1; count < REQUESTS_MAX; count += 1) {
      client.connection.send(TABLE.stat.code, 0, 1000 + index + count, missing);
    }
    // Ids that the client knows of stand below those.
    await Bun.sleep(20);
    expect(client.isOpen).toBe(true);
  }
  client.connection.terminate();
});

test(
  "D2: who has not signed in after SIGN_IN_MS_MAX is closed, wherever it stopped",
  async () => {
    const startMs = performance.now();
    const tcp = await Stranger.connect(server.port, "127.7.1.1", { tls: false });
    const half = await Stranger.connect(server.port, "127.7.1.2", { tls: false });
    await half.send(Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3));
    const shaken = await Stranger.connect(server.port, "127.7.1.3");
    const polite = await greeted(server);
    // It says something all the time.
    const dribbling = await Stranger.connect(server.port, "127.7.1.4");
    await dribbling.shaken;
    const hello = encodeFrame(TABLE.hello.code, 0, 1, new Uint8Array(100));
    let sentCount = 0;
    const dribble = setInterval(() => {
      void dribbling.send(hello.subarray(sentCount, (sentCount += 1)));
    }, 1000);
    const ends = [tcp, half, shaken, dribbling].map(async (stranger) => {
      await stranger.closed;
      return performance.now() - startMs;
    });
    const endedMs = await Promise.all(ends);
    clearInterval(dribble);

    expect(Math.min(...endedMs)).toBeGreaterThan(SIGN_IN_MS_MAX - 1000);
    expect(Math.max(...endedMs)).toBeLessThan(20_000);
    expect([shaken.lastError, dribbling.lastError]).toEqual([
      "SIGN_IN_TOO_LATE",
      "SIGN_IN_TOO_LATE",
    ]);
    expect(await outcomeOf(polite.call("quota", {}))).toBe("SIGN_IN_TOO_LATE");
    expect((await signedIn(server)).isOpen).toBe(true);
  },
  DEADLINE_MS,
);

test(
  "a session that is signed in and says nothing stays longer than any stranger",
  async () => {
    const client = await signedIn(server);
    await Bun.sleep(SIGN_IN_MS_MAX + 3000);

    expect(await outcomeOf(client.call("quota", {}))).toBe("none");
    client.close();
  },
  DEADLINE_MS,
);

test("what waits for a disk that stands still is bounded, whoever sends it", async () => {
  const own = (slowScene = await Scene.begin());
  await own.addUser("ann", "pw");
  const slow = await own.serve("--metrics", "127.0.0.1:0");
  const unwrittenBytes = async () => await slow.metric("ftpx_unwritten_bytes");
  const { pid } = slow.process;
  const files = ["a", "b", "c", "d"].map((name) => own.path(name));
  for (const file of files) makeFile(file, 12 * MIB);
  // Each write takes so long: all windows are full long before one has ended.
  const stall = ["strace", "-f", "-qq", "-e", "trace=pwritev", "-o", "/dev/null"];
  const inject = ["-e", "inject=pwritev:delay_enter=4000000", "-p", String(pid)];
  const strace = Bun.spawn([...stall, ...inject], { stderr: "ignore" });
  tracers.push(strace);
  await Bun.sleep(500);
  const before = residentBytesOf(pid);
  const puts = Array.from({ length: 8 }, (_hole, index) => {
    mkdirSync(`${own.data}/storage/ann/${index}`);
    const words = ["put", ...files, slow.target("ann", `/${index}/`)];
    return own.run(words, { env: { FTPX_PASSWORD: "pw" } });
  });
  let mostBytes = 0;
  for (let ms = 0; ms < 3500; ms += 50) {
    mostBytes = Math.max(mostBytes, residentBytesOf(pid));
    await Bun.sleep(50);
  }
  const waitingBytes = await unwrittenBytes();
  strace.kill("SIGINT");
  await strace.exited;
  const ended = await Promise.all(puts);

  // Without the bound it is the windows of all of them, 256 MiB.
  expect(mostBytes - before).toBeGreaterThan(UNWRITTEN_BYTES_MAX / 2);
  expect(mostBytes - before).toBeLessThan(2 * UNWRITTEN_BYTES_MAX);
  expect(waitingBytes).toBeGreaterThanOrEqual(UNWRITTEN_BYTES_MAX / 2);
  expect(waitingBytes).toBeLessThan(UNWRITTEN_BYTES_MAX * 1.5);
  expect(ended.map(({ status }) => status)).toEqual(ended.map(() => 0));
  expect(await unwrittenBytes()).toBe(0);
});
