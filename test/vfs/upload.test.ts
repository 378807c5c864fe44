import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { mkdtemp, open as openFile, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { parsePath } from "../../src/base/path.ts";
import type { State } from "../../src/state/contract.ts";
import { openState } from "../../src/state/state.ts";
import { Digests } from "../../src/store/digests.ts";
import { openDiskStore } from "../../src/store/disk.ts";
import { Depot } from "../../src/vfs/depot.ts";
import type { ClaimedUpload, Vfs } from "../../src/vfs/vfs.ts";
import { outcomeOf } from "../support/refusal.ts";

const CONTENT = new Uint8Array(2 * CHUNK_BYTES + 1000).map((_, index) => (index * 7) >> 3);
const OTHER = CONTENT.map((byte, index) => (index === 0 ? byte ^ 1 : byte));

let folder: string;
let state: State;
/** Lets a test hold a call of the state up. */
let delays: Map<keyof State, Promise<void>>;
/** Between a rename and what it counts. */
let beforeSettling: () => Promise<void>;
let depot: Depot;
let vfs: Vfs;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ftpx-upload-"));
  const store = await openDiskStore(join(folder, "storage"));
  state = await openState(join(folder, "state.sqlite"));
  delays = new Map();
  beforeSettling = async () => {};
  const held: State = {
    ...state,
    digests: async (...asked) => (await delays.get("digests"), await state.digests(...asked)),
    publishing: async (...asked) => (
      await delays.get("publishing"),
      await state.publishing(...asked)
    ),
    settle: async (...asked) => (await beforeSettling(), await state.settle(...asked)),
  };
  depot = new Depot(held, store, new Digests());
  vfs = await depot.enter("ann", () => ({ bytes: 1e12, files: 1e6 }));
});

afterEach(async () => {
  mock.restore();
  await vfs.leave();
  await depot.close();
  await rm(folder, { recursive: true, force: true });
});

function open(source: number, totalBytes = CONTENT.byteLength): Promise<ClaimedUpload> {
  const wish = {
    path: parsePath("/f"),
    totalBytes,
    modifiedMs: 1,
    source: Uint8Array.of(source),
    algorithm: "sha256",
    isFresh: false,
    mayReplace: () => true,
    windowBytes: 4 * CHUNK_BYTES,
  } as const;
  return vfs.openUpload(wish, { acknowledge: () => {}, failed: () => {} });
}

function chunkDigests(content: Uint8Array): Uint8Array[] {
  const digests: Uint8Array[] = [];
  for (let at = 0; at < content.byteLength; at += CHUNK_BYTES) {
    const chunk = content.subarray(at, at + CHUNK_BYTES);
    digests.push(new Uint8Array(createHash("sha256").update(chunk).digest()));
  }
  return digests;
}

function digestOf(content: Uint8Array) {
  const digests = chunkDigests(content);
  const bytes = new Uint8Array(createHash("sha256").update(Buffer.concat(digests)).digest());
  return { algorithm: "sha256", bytes, chunks: digests.length } as const;
}

/** Sends content from an offset on, with the proofs that belong to it. */
function feed({ upload }: ClaimedUpload, content: Uint8Array, from: number, to: number): void {
  upload.accept(from, content.subarray(from, to));
  for (const [index, digest] of chunkDigests(content).entries()) {
    const end = (index + 1) * CHUNK_BYTES;
    if (end > from && end <= to) upload.prove(index, digest);
  }
}

const reserved = async () => (await state.account("ann"))?.reserved.bytes;
const published = () => readFile(join(folder, "storage/ann/f"));
const remembered = async () => vfs.knownDigests(await vfs.facts(parsePath("/f")), "sha256");

test.each(["digests", "publishing"] as const)(
  "a commit that waits for %s is carried through when its session ends meanwhile",
  async (method) => {
    const delay = Promise.withResolvers<void>();
    delays.set(method, delay.promise);
    const first = await open(1);
    feed(first, CONTENT, 0, CONTENT.byteLength);
    const committing = first.upload.commit(CONTENT.byteLength, digestOf(CONTENT));
    const closing = first.close();
    const second = open(2);
    await Bun.sleep(50);
    delay.resolve();

    await committing;
    await closing;
    const { upload } = await second;
    expect(upload.storedBytes).toBe(0);
    expect(Buffer.compare(await published(), CONTENT)).toBe(0);
    await (await second).discard();
  },
);

test("what came of a source is there for the same source, up to the last byte", async () => {
  const first = await open(1);
  feed(first, CONTENT, 0, CHUNK_BYTES + 500);
  await first.close();

  const second = await open(1);
  expect(second.upload.isSameSource).toBe(true);
  expect(second.upload.chunkCount).toBe(1);
  expect(second.upload.storedBytes).toBe(CHUNK_BYTES + 500);
  feed(second, CONTENT, CHUNK_BYTES + 500, CONTENT.byteLength);
  await second.upload.commit(CONTENT.byteLength, digestOf(CONTENT));
  await second.close();
  expect(Buffer.compare(await published(), CONTENT)).toBe(0);
});

test("F2: a part that another source began anew never passes for the first source's", async () => {
  const first = await open(1);
  await first.close();
  const other = await open(2);
  feed(other, OTHER, 0, CHUNK_BYTES);
  await other.close();

  const again = await open(1);
  expect(again.upload.isSameSource).toBe(false);
  expect(() => again.upload.accept(CHUNK_BYTES, CONTENT.subarray(CHUNK_BYTES))).toThrow(
    expect.objectContaining({ kind: "BAD_STATE" }),
  );
  await again.upload.rewind(0, Uint8Array.of(1));
  feed(again, CONTENT, 0, CONTENT.byteLength);
  await again.upload.commit(CONTENT.byteLength, digestOf(CONTENT));
  await again.close();
  expect(Buffer.compare(await published(), CONTENT)).toBe(0);
});

test("a rewind keeps the chunks that are equal, and the rest comes again", async () => {
  const first = await open(1);
  feed(first, CONTENT, 0, 2 * CHUNK_BYTES);
  await first.close();
  const changed = CONTENT.slice();
  changed[CHUNK_BYTES] = (changed[CHUNK_BYTES] ?? 0) ^ 1;

  const second = await open(2);
  expect(await second.upload.digests(0, 10)).toHaveLength(2);
  await second.upload.rewind(1, Uint8Array.of(2));
  feed(second, changed, CHUNK_BYTES, changed.byteLength);
  await second.upload.commit(changed.byteLength, digestOf(changed));
  await second.close();
  expect(Buffer.compare(await published(), changed)).toBe(0);
});

test("a rewind is refused while a commit is under way, and takes nothing from the file", async () => {
  const first = await open(1);
  feed(first, CONTENT, 0, CONTENT.byteLength);
  await first.close();
  const publishing = Promise.withResolvers<void>();
  delays.set("publishing", publishing.promise);
  const second = await open(1);
  const committing = second.upload.commit(CONTENT.byteLength, digestOf(CONTENT));

  expect(await outcomeOf(second.upload.rewind(0, Uint8Array.of(1)))).toBe("NO_SUCH_TRANSFER");
  publishing.resolve();
  await committing;
  await second.close();
  expect(Buffer.compare(await published(), CONTENT)).toBe(0);
});

test("an upload that ends waits for a rewind under way, and begins none", async () => {
  const first = await open(1);
  feed(first, CONTENT, 0, CONTENT.byteLength);
  await first.close();
  const second = await open(2);
  let isDone = false;
  const rewinding = second.upload.rewind(0, Uint8Array.of(2)).finally(() => (isDone = true));
  await second.close();

  expect(isDone).toBe(true);
  await rewinding;
  expect(await outcomeOf(second.upload.rewind(0, Uint8Array.of(2)))).toBe("CONNECTION_LOST");
});

test("Q4: a resumed upload is charged once, and a larger size by its difference", async () => {
  const first = await open(1, 1000);
  await first.close();
  expect(await reserved()).toBe(1000);
  const second = await open(1, 5000);
  await second.close();
  expect(await reserved()).toBe(5000);
  const third = await open(1, 200);
  expect(await reserved()).toBe(200);
  await third.discard();

  expect(await reserved()).toBe(0);
  expect(await readdir(join(folder, "storage/.ftpx/parts"))).toEqual([]);
});

test("a commit of other content drops the part and its reservation", async () => {
  const opened = await open(1);
  feed(opened, CONTENT, 0, CONTENT.byteLength);

  expect(await outcomeOf(opened.upload.commit(CONTENT.byteLength, digestOf(OTHER)))).toBe(
    "DIGEST_MISMATCH",
  );
  await opened.close();
  expect((await state.account("ann"))?.reserved).toEqual({ bytes: 0, files: 0 });
  expect(await readdir(join(folder, "storage/.ftpx/parts"))).toEqual([]);
  expect(await readdir(join(folder, "storage/ann"))).toEqual([]);
});

/** The next calls of this kind fail, as of a disk that lost what it had taken. */
function failSyncs(call: "fsync" | "fdatasync"): { readonly count: number } {
  const calls = { count: 0 };
  const failure = Object.assign(new Error("EIO"), { code: "EIO" });
  spyOn(fs, call).mockImplementation(((_fd: number, done: (error: Error) => void) => {
    calls.count += 1;
    done(failure);
  }) as typeof fs.fsync);
  return calls;
}

test.each(["fsync", "fdatasync"] as const)(
  "F8: after a failed %s the part is dropped, and never synced again",
  async (call) => {
    const first = await open(1);
    const calls = failSyncs(call);
    feed(first, CONTENT, 0, CONTENT.byteLength);
    const committing = first.upload.commit(CONTENT.byteLength, digestOf(CONTENT));
    expect(await outcomeOf(committing)).toBe("IO_FAILED");
    await first.close();
    expect(calls.count).toBe(1);
    expect(await readdir(join(folder, "storage/.ftpx/parts"))).toEqual([]);
    expect(await reserved()).toBe(0);
    mock.restore();

    const second = await open(1);
    expect(second.upload.storedBytes).toBe(0);
    await second.close();
  },
);

test("a second commit is refused while the first is under way, and after it", async () => {
  const opened = await open(1);
  feed(opened, CONTENT, 0, CONTENT.byteLength);
  const first = opened.upload.commit(CONTENT.byteLength, digestOf(CONTENT));

  expect(await outcomeOf(opened.upload.commit(CONTENT.byteLength, digestOf(CONTENT)))).toBe(
    "NO_SUCH_TRANSFER",
  );
  await first;
  await opened.close();
  const used = (await state.account("ann"))?.used;
  expect(used).toEqual({ bytes: CONTENT.byteLength, files: 1 });
});

test("F2: the digests of an upload are remembered of what it published, not of what became of it", async () => {
  const put = async () => {
    const claimed = await open(1);
    feed(claimed, CONTENT, 0, CONTENT.byteLength);
    await claimed.upload.commit(CONTENT.byteLength, digestOf(CONTENT));
    await claimed.close();
  };

  await put();
  expect(await remembered()).toEqual(chunkDigests(CONTENT));
  // As a tool does that looks at each file that comes in: in place, at once.
  beforeSettling = async () => {
    const file = await openFile(join(folder, "storage/ann/f"), "r+");
    await file.write(OTHER.subarray(0, 1), 0, 1, 0);
    await file.close();
  };
  await put();
  expect(await remembered()).toBeUndefined();
});

test("digests that a client asks for are of what the disk holds, whatever is remembered", async () => {
  const claimed = await open(1);
  feed(claimed, CONTENT, 0, CONTENT.byteLength);
  await claimed.upload.commit(CONTENT.byteLength, digestOf(CONTENT));
  await claimed.close();
  const file = await vfs.openFile(parsePath("/f"));
  // As if the disk had changed since then what it holds.
  depot.digestMemory.keep(await file.facts(), "sha256", chunkDigests(OTHER));
  const { signal } = new AbortController();

  expect(await vfs.chunkDigests(file, "sha256", 0, 3, signal)).toEqual(chunkDigests(CONTENT));
  await file.close();
});

test("F3: the path of an upload that is fed is busy for other sessions", async () => {
  const opened = await open(1);

  expect(await outcomeOf(open(1))).toBe("UPLOAD_BUSY");
  await opened.discard();
  const again = await open(1);
  await again.discard();
});
