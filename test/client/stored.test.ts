/**
 * Whether a file need not be sent, against a server that is a map of answers.
 *
 * The files are sparse, so that many chunks cost little.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { composeDigest } from "../../src/base/digest.ts";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import type { OpenFile } from "../../src/base/openfile.ts";
import type { Client } from "../../src/client/client.ts";
import { digestChunk, sourceOf } from "../../src/client/copy.ts";
import type { CopyJob } from "../../src/client/copy.ts";
import { findStored } from "../../src/client/stored.ts";
import { Folder } from "../support/folder.ts";
import { jobOf } from "../support/job.ts";
import { failureOf, refusal } from "../support/refusal.ts";

const OTHER = new Uint8Array(32).fill(7);

let folder: Folder;
let file: OpenFile;

beforeEach(async () => {
  folder = new Folder();
  file = await folder.open("f");
});

afterEach(async () => {
  await file.close();
  folder.remove();
});

interface ChunksAsked {
  readonly version: string;
  readonly firstChunk: number;
  readonly count: number;
}

/** A server that has one file, whose chunks have these digests. */
class FakeServer {
  readonly asked: string[] = [];
  /** What was asked once the file was found. */
  readonly settled: string[] = [];
  readonly digests: Uint8Array[];
  bytes: number;
  modifiedMs: number;
  /** Thrown in the place of an answer. */
  readonly failures = new Map<string, FtpxError>();
  /** Digests in one answer at most. */
  pageChunks = Number.POSITIVE_INFINITY;
  /** Runs before the digests are told. */
  meanwhile: () => Promise<void> = async () => {};

  constructor(digests: readonly Uint8Array[], bytes: number, modifiedMs: number) {
    this.digests = [...digests];
    this.bytes = bytes;
    this.modifiedMs = modifiedMs;
  }

  get client(): Client {
    return this as unknown as Client;
  }

  async call(name: string, request: ChunksAsked): Promise<unknown> {
    if (name === "sync" || name === "dropUpload") {
      this.settled.push(name);
      const failing = this.failures.get(name);
      if (failing !== undefined) throw failing;
      return {};
    }
    const call = name === "stat" ? name : `${request.firstChunk}+${request.count}`;
    this.asked.push(call);
    const failure = this.failures.get(call) ?? this.failures.get(name);
    if (failure !== undefined) throw failure;
    if (name === "stat") {
      return { kind: "file", bytes: this.bytes, modifiedMs: this.modifiedMs, version: "v" };
    }
    expect(request.version).toBe("v");
    await this.meanwhile();
    const count = Math.min(request.count, this.pageChunks);
    return { digests: this.digests.slice(request.firstChunk, request.firstChunk + count) };
  }
}

/** The file has so many bytes, and so has the server's. */
async function sameFile(bytes: number): Promise<FakeServer> {
  await file.truncate(bytes);
  const { modifiedMs } = await file.facts();
  const digests: Uint8Array[] = [];
  for (let index = 0; index < Math.max(1, Math.ceil(bytes / CHUNK_BYTES)); index += 1) {
    // All chunks of zeros that are whole have one digest.
    const isWhole = (index + 1) * CHUNK_BYTES <= bytes;
    const known = isWhole ? digests[0] : undefined;
    digests.push(known ?? (await digestChunk(file, "sha256", index)));
  }
  return new FakeServer(digests, bytes, modifiedMs);
}

/** What an earlier attempt of this process remembers. */
async function memoryOf({ digests }: FakeServer): Promise<CopyJob["memory"]> {
  return { commit: { source: sourceOf(await file.facts()), digests: [...digests] } };
}

async function find(server: FakeServer, wanted: Partial<CopyJob> = {}) {
  const job = jobOf(folder.at("f"), "/f", wanted);
  return await findStored(server.client, job, file, await file.facts());
}

test("a file whose chunks are all there is found, with the digest of a put", async () => {
  const server = await sameFile(2 * CHUNK_BYTES + 5);
  const progress: number[][] = [];
  const onProgress = (...bytes: number[]) => void progress.push(bytes);
  const bytes = 2 * CHUNK_BYTES + 5;

  expect(await find(server, { onProgress })).toEqual({
    bytes,
    digest: await composeDigest("sha256", server.digests),
    resumedAt: bytes,
    wasThere: true,
  });
  expect(server.asked).toEqual(["stat", "0+3"]);
  expect(progress).toEqual([[bytes, bytes]]);
});

test.each([
  ["another size", (server: FakeServer) => (server.bytes += 1)],
  ["another time", (server: FakeServer) => (server.modifiedMs -= 1)],
])("a file of %s costs one question", async (_case, change) => {
  const server = await sameFile(CHUNK_BYTES + 1);
  change(server);

  expect(await find(server)).toBeUndefined();
  expect(server.asked).toEqual(["stat"]);
});

test.each([0, 1, 2])("a file that differs in chunk %i is not found", async (index) => {
  const server = await sameFile(3 * CHUNK_BYTES);
  server.digests[index] = OTHER;

  expect(await find(server)).toBeUndefined();
});

test("what is to be put anew, and one chunk that nobody remembers, costs no question", async () => {
  const server = await sameFile(CHUNK_BYTES);

  expect(await find(server)).toBeUndefined();
  expect(await find(server, { isFresh: true, memory: await memoryOf(server) })).toBeUndefined();
  expect(server.asked).toEqual([]);
});

test.each([0, 1, CHUNK_BYTES])("a put of %i bytes that is remembered is found", async (bytes) => {
  const server = await sameFile(bytes);

  expect(await find(server, { memory: await memoryOf(server) })).toMatchObject({ bytes });
});

test("what is remembered of another source says nothing of this one", async () => {
  const server = await sameFile(CHUNK_BYTES);
  const memory = await memoryOf(server);
  await file.setModified(server.modifiedMs + 1);
  server.modifiedMs += 1;

  expect(await find(server, { memory })).toBeUndefined();
  expect(server.asked).toEqual([]);
});

test("what is remembered is compared, not believed: the server may have another file", async () => {
  const server = await sameFile(2 * CHUNK_BYTES);
  const memory = await memoryOf(server);
  server.digests[1] = OTHER;

  expect(await find(server, { memory })).toBeUndefined();
});

test("a source that changes while it is compared is not found", async () => {
  const server = await sameFile(2 * CHUNK_BYTES);
  server.meanwhile = () => file.truncate(2 * CHUNK_BYTES + 1);
  const memory = await memoryOf(server);

  expect(await find(server, { memory })).toBeUndefined();
});

test.each(["NO_SUCH_PATH", "NOT_A_DIRECTORY", "NOT_A_FILE", "CHANGED", "FORBIDDEN"] as const)(
  "%s means that it has to be sent, whenever it comes",
  async (kind) => {
    for (const call of ["stat", "chunkDigests"]) {
      const server = await sameFile(CHUNK_BYTES + 1);
      server.failures.set(call, new FtpxError(kind));

      expect(await find(server)).toBeUndefined();
    }
  },
);

test.each(["CONNECTION_LOST", "IO_FAILED", "SERVER_STOPPING"] satisfies ErrorKind[])(
  "%s is no answer, and is told",
  async (kind) => {
    for (const call of ["stat", "chunkDigests"]) {
      const server = await sameFile(CHUNK_BYTES + 1);
      server.failures.set(call, new FtpxError(kind));

      expect(await failureOf(find(server))).toEqual(refusal(kind));
    }
  },
);

test("many chunks are asked for in pages, the next one before this one is compared", async () => {
  const server = await sameFile(150 * CHUNK_BYTES + 1);
  const memory = await memoryOf(server);

  expect(await find(server, { memory })).toMatchObject({ digest: { chunks: 151 } });
  expect(server.asked).toEqual(["stat", "0+64", "64+64", "128+23"]);
});

test("a server that answers with less than was asked is asked for the rest", async () => {
  const server = await sameFile(5 * CHUNK_BYTES);
  server.pageChunks = 2;

  expect(await find(server)).toMatchObject({ digest: { chunks: 5 } });
  expect(server.asked).toEqual(["stat", "0+5", "2+3", "4+1"]);
});

test("a server that answers with nothing is refused, and is not asked for ever", async () => {
  const server = await sameFile(2 * CHUNK_BYTES);
  server.pageChunks = 0;

  expect(await failureOf(find(server))).toEqual(refusal("BAD_BODY"));
});

test("a server that answers with more than was asked is not believed", async () => {
  const server = await sameFile(CHUNK_BYTES + 1);
  server.digests.push(OTHER);
  server.call = async (name) =>
    name === "stat"
      ? { kind: "file", bytes: server.bytes, modifiedMs: server.modifiedMs, version: "v" }
      : { digests: server.digests };

  expect(await find(server)).toBeUndefined();
});

test("a page that fails when nobody waits for it any more is nobody's failure", async () => {
  const server = await sameFile(65 * CHUNK_BYTES);
  const memory = await memoryOf(server);
  server.digests[0] = OTHER;
  server.failures.set("64+1", new FtpxError("CONNECTION_LOST"));

  expect(await find(server, { memory })).toBeUndefined();
  expect(server.asked).toEqual(["stat", "0+64", "64+1"]);
});

test("Ctrl-C ends a comparison", async () => {
  const server = await sameFile(3 * CHUNK_BYTES);
  const abort = new AbortController();
  server.meanwhile = async () => abort.abort();

  expect(await failureOf(find(server, { signal: abort.signal }))).toEqual(refusal("INTERRUPTED"));
});

test("a file that is found counts when the disk has it, and what was cut off there goes", async () => {
  const server = await sameFile(CHUNK_BYTES + 1);
  server.failures.set("dropUpload", new FtpxError("NO_SUCH_PATH"));

  expect(await find(server)).toBeDefined();
  expect(server.settled).toEqual(["sync", "dropUpload"]);
});

test.each([
  ["CHANGED", "sent"],
  ["IO_FAILED", "IO_FAILED"],
] as const)("a file that is found and whose sync is %s is no success", async (kind, expected) => {
  const server = await sameFile(CHUNK_BYTES + 1);
  server.failures.set("sync", new FtpxError(kind));
  const outcome = await find(server).then(
    (found) => (found === undefined ? "sent" : "found"),
    (error: unknown) => (error as FtpxError).kind,
  );

  expect(outcome).toBe(expected);
});
