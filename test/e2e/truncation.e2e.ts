/**
 * T7: a stream that ends early is no success, wherever it ends and however properly.
 *
 * A plain FIN comes at each boundary between TLS records of a short transfer, one byte before and
 * behind it, and at bytes that are drawn, in either direction. A close_notify, which needs the
 * keys of the connection, comes from the server and from the client itself, after bytes of what
 * they say in it.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile, rm } from "node:fs/promises";
import { DerivedKeys } from "../../src/base/scram.ts";
import type { Client } from "../../src/client/client.ts";
import { connect } from "../../src/client/connect.ts";
import { downloadOnce } from "../../src/client/get.ts";
import { uploadOnce } from "../../src/client/put.ts";
import type { RawSocket } from "../../src/wire/link.ts";
import { withChance } from "../support/chance.ts";
import { jobOf } from "../support/job.ts";
import { outcomeOf } from "../support/refusal.ts";
import { makeFile, Scene, Server } from "./binary.ts";
import { endAfter } from "./earlyend.ts";
import { boundariesIn, Tap } from "./tap.ts";
import type { Meddling } from "./tap.ts";
import { signedIn } from "./wire.ts";

/** Of more than one content frame would take longer to cut everywhere, and no other way. */
const FILE_BYTES = 40_000;
const DRAWN_COUNT = 30;

const keys = new DerivedKeys(() => "pw");
let scene: Scene;
let server: Server;
let source: string;
let content: Buffer;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  source = scene.path("source");
  makeFile(source, FILE_BYTES);
  content = await readFile(source);
  await putThrough(server.port, "/kept");
});

afterAll(() => scene.end());

async function signedInAt(port: number, fingerprint = server.fingerprint): Promise<Client> {
  const endpoint = { host: "127.0.0.1", port, fingerprint, name: "cut" };
  const { client } = await connect(endpoint, "cut");
  await client.signIn("ann", keys).catch((error: unknown) => {
    client.connection.terminate();
    throw error;
  });
  return client;
}

async function putThrough(port: number, path: string): Promise<void> {
  const client = await signedInAt(port);
  await uploadOnce(client, jobOf(source, path)).finally(() => client.connection.terminate());
}

async function getThrough(
  port: number,
  local: string,
  fingerprint = server.fingerprint,
): Promise<void> {
  const client = await signedInAt(port, fingerprint);
  const job = { ...jobOf(local, "/kept"), isFresh: true };
  await downloadOnce(client, job, "cut").finally(() => client.connection.terminate());
}

type Direction = "toServer" | "toClient";
type Transfer = "put" | "get";

/** What a whole transfer says in a direction. */
async function recorded(transfer: Transfer, direction: Direction): Promise<Buffer> {
  const tap = await Tap.open(server.port);
  if (transfer === "put") await putThrough(tap.port, "/whole");
  else await getThrough(tap.port, scene.path("whole"));
  const bytes = tap[direction];
  tap.close();
  return bytes;
}

/** Every boundary with its neighbours, and some bytes in between. */
function placesIn(bytes: Buffer, draw: (end: number) => number): number[] {
  const near = boundariesIn(bytes).flatMap((at) => [at - 1, at, at + 1]);
  const drawn = Array.from({ length: DRAWN_COUNT }, () => draw(bytes.byteLength));
  const places = new Set([...near, ...drawn]);
  return [...places].filter((at) => at >= 0 && at < bytes.byteLength).toSorted((a, b) => a - b);
}

/** Success means that all of it is there; failure, that nothing of it can be taken for it. */
async function demandPut(outcome: string, path: string, isWhere: string): Promise<void> {
  const name = path.slice(1);
  const stored = await readFile(`${scene.data}/storage/ann/${name}`).catch(() => undefined);
  if (outcome === "none" && stored === undefined) throw new Error(`lost at ${isWhere}`);
  // Without its answer a file may be there: whole, or not at all.
  if (stored !== undefined && !stored.equals(content)) throw new Error(`a piece at ${isWhere}`);
}

async function demandGot(outcome: string, local: string, isWhere: string): Promise<void> {
  const got = await readFile(local).catch(() => undefined);
  if (outcome === "none" && got?.equals(content) !== true) throw new Error(`lost at ${isWhere}`);
  if (outcome !== "none" && got !== undefined) throw new Error(`a file at ${isWhere}: ${outcome}`);
  await rm(local, { force: true });
}

test.each([
  ["put", "toServer"],
  ["put", "toClient"],
  ["get", "toServer"],
  ["get", "toClient"],
] as const)(
  "T7: a %s whose bytes %s end in a FIN is a success only when it is whole",
  async (transfer, direction) => {
    await withChance(async (chance) => {
      const bytes = await recorded(transfer, direction);
      const places = placesIn(bytes, (end) => chance.below(end));
      let failedCount = 0;
      for (const bytesMax of places) {
        const meddling: Meddling = { bytesMax };
        const tap = await Tap.open(server.port, { [direction]: meddling });
        const where = `byte ${bytesMax} of ${bytes.byteLength}`;
        const [path, local] = [`/cut${bytesMax}${direction}`, scene.path("got")];
        const work = transfer === "put" ? putThrough(tap.port, path) : getThrough(tap.port, local);
        const outcome = await outcomeOf(work);
        tap.close();
        if (outcome !== "none") failedCount += 1;
        expect(outcome).toMatch(/^(?:none|UNREACHABLE|TURNED_AWAY|CONNECTION_LOST|TLS_FAILED)$/);
        if (transfer === "put") await demandPut(outcome, path, where);
        else await demandGot(outcome, local, where);
      }
      // What is left out at the end may be the goodbye alone, and cannot be missed.
      expect(failedCount).toBeGreaterThan(places.length / 2);
    });
  },
);

test("T7: a get that the server ends by close_notify is a success only behind its end", async () => {
  const words = [process.execPath, `${import.meta.dir}/notifier.ts`, scene.path("other")];
  await scene.run(["useradd", "ann", "--password-stdin", "--data", scene.path("other")], {
    stdin: "pw\n",
  });
  const child = Bun.spawn(words, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const notifier = await Server.open(child);
  try {
    const { port, fingerprint } = notifier;
    const client = await signedInAt(port, fingerprint);
    await uploadOnce(client, jobOf(source, "/kept"));
    const before = client.connection.receivedBytes;
    client.connection.terminate();
    const whole = await saidIn(port, fingerprint);
    expect(before).toBeLessThan(whole);
    await withChance(async (chance) => {
      const drawn = Array.from({ length: DRAWN_COUNT }, () => chance.below(whole));
      // The last bytes are the end's frame, and each of them matters.
      const last = Array.from({ length: 60 }, (_, index) => whole - 1 - index);
      for (const [index, bytesMax] of [...new Set([...drawn, ...last])].entries()) {
        void child.stdin.write(`${bytesMax}\n`);
        await child.stdin.flush();
        await notifier.nth("cutting", index + 1);
        const local = scene.path("got");
        const outcome = await outcomeOf(getThrough(port, local, fingerprint));
        expect(outcome).toBe("CONNECTION_LOST");
        await demandGot(outcome, local, `byte ${bytesMax} of ${whole}`);
      }
    });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});

/** Bytes that a server says in a whole get. */
async function saidIn(port: number, fingerprint: string): Promise<number> {
  const client = await signedInAt(port, fingerprint);
  await downloadOnce(client, jobOf(scene.path("said"), "/kept"), "cut");
  const { receivedBytes } = client.connection;
  client.connection.terminate();
  return receivedBytes;
}

test("T7: a put that the client ends by close_notify is published only behind its commit", async () => {
  const whole = await signedInAt(server.port);
  await uploadOnce(whole, jobOf(source, "/said"));
  const saidBytes = whole.connection.sentBytes;
  whole.connection.terminate();
  await withChance(async (chance) => {
    const drawn = Array.from({ length: DRAWN_COUNT }, () => chance.below(saidBytes));
    const last = Array.from({ length: 60 }, (_, index) => saidBytes - 1 - index);
    for (const bytesMax of new Set([...drawn, ...last])) {
      const path = `/notified${bytesMax}`;
      const outcome = await withSocketsCut(bytesMax, async () => {
        return await outcomeOf(putThrough(server.port, path));
      });
      expect(outcome).toBe("CONNECTION_LOST");
      // It has seen the goodbye when another session can have the path.
      expect(await readdir(`${scene.data}/storage/ann`)).not.toContain(path.slice(1));
    }
  });
});

/** Sockets that are opened meanwhile say so many bytes, then close_notify and FIN. */
async function withSocketsCut<Value>(most: number, work: () => Promise<Value>): Promise<Value> {
  const { connect: original } = Bun;
  (Bun as { connect: unknown }).connect = (options: {
    socket: { open: (socket: RawSocket) => void };
  }) => {
    const { open } = options.socket;
    const cutting = (socket: RawSocket): void => {
      endAfter(socket, most);
      open(socket);
    };
    return original({ ...options, socket: { ...options.socket, open: cutting } } as never);
  };
  try {
    return await work();
  } finally {
    (Bun as { connect: unknown }).connect = original;
  }
}

test("T7: the executable says so too, and leaves nothing that looks like the file", async () => {
  const whole = await recorded("get", "toClient");
  for (const share of [0.3, 0.9]) {
    const bytesMax = Math.floor(whole.byteLength * share);
    const tap = await Tap.open(server.port, { toClient: { bytesMax } });
    const words = ["get", server.target("ann", "/kept", tap.port), scene.path("here")];
    const { status, stdout } = await scene.run([...words, "--retries", "0", "--json"], {
      env: { FTPX_PASSWORD: "pw" },
    });
    tap.close();

    expect([69, 75]).toContain(status);
    expect(stdout).not.toContain('"done"');
    expect(await readdir(scene.folder)).not.toContain("here");
  }
});

test("what was cut has cost nothing: the quota is that of the files that are whole", async () => {
  const client = await signedIn(server);
  const { usedBytes } = await client.call("quota", {});
  client.close();
  const files = await readdir(`${scene.data}/storage/ann`);

  expect(usedBytes).toBe(files.length * FILE_BYTES);
});
