/**
 * Chunks that are read back behind the content, in whatever order reads and proofs end: the same
 * comes of it as where they are digested at once. The reader is a stand-in that waits.
 */
import { expect, test } from "bun:test";
import { createHasher } from "../../src/base/digest.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { CHUNK_BYTES, UNREAD_BYTES_MAX } from "../../src/base/limits.ts";
import { ProvingBehind } from "../../src/transfer/proving.ts";
import type { ChunkReader, ProvedChunk, ProvingStart } from "../../src/transfer/proving.ts";
import { FakeFile } from "../support/file.ts";
import { bytes } from "../support/octets.ts";
import { kindOf, refusal } from "../support/refusal.ts";
import { turn } from "../support/socket.ts";
import { chunkDigest, CONTENT } from "./reception.ts";

const WRONG = bytes("00");

/** Digests what the file holds when it is let, and notes what it was asked for. */
class Reader implements ChunkReader {
  readonly asked: [first: number, count: number][] = [];
  failure: unknown;
  #gate = Promise.withResolvers<void>();

  /** Lets the reads end that wait. */
  release(): void {
    this.#gate.resolve();
    this.#gate = Promise.withResolvers();
  }

  async chunks(
    file: FakeFile,
    _algorithm: string,
    first: number,
    count: number,
  ): Promise<Uint8Array[]> {
    this.asked.push([first, count]);
    await this.#gate.promise;
    if (this.failure !== undefined) throw this.failure;
    const hasher = await createHasher("xxh128");
    const digests: Uint8Array[] = [];
    for (let index = first; index < first + count; index += 1) {
      const chunk = file.content.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
      if (chunk.byteLength === 0) break;
      hasher.update(chunk);
      digests.push(hasher.finish());
    }
    return digests;
  }
}

function make(start: Partial<ProvingStart> = {}) {
  const file = new FakeFile(CONTENT.slice());
  const reader = new Reader();
  const proved: ProvedChunk[] = [];
  const failures: FtpxError[] = [];
  let progressCount = 0;
  const owner = {
    proved: (chunk: ProvedChunk) => void proved.push(chunk),
    failed: (failure: FtpxError) => void failures.push(failure),
    progressed: () => void (progressCount += 1),
  };
  const usual = { totalBytes: CONTENT.byteLength, firstChunk: 0, fromOffset: 0 } as const;
  const all = { file, algorithm: "xxh128", ...usual, ...start } as const;
  const proving = new ProvingBehind(all, reader, owner);
  const released = async () => {
    reader.release();
    for (let turns = 0; turns < 20; turns += 1) await turn();
  };
  return { proving, reader, file, proved, failures, released, progress: () => progressCount };
}

/** All content has come and is written. */
function takeAll(proving: ProvingBehind, fromOffset = 0): void {
  proving.update(CONTENT.subarray(fromOffset));
  proving.written(CONTENT.byteLength);
}

test("proofs that come before the chunks were read are compared when they are", async () => {
  const { proving, proved, failures, released, reader } = make();
  proving.update(CONTENT.subarray(0, 2 * CHUNK_BYTES));
  proving.prove(0, await chunkDigest(0));
  proving.written(CHUNK_BYTES);
  proving.prove(1, await chunkDigest(1));
  expect(proved).toEqual([]);
  await released();
  expect(proved.map(({ index }) => index)).toEqual([0]);
  proving.written(2 * CHUNK_BYTES);
  await released();

  expect(proved.map(({ index }) => index)).toEqual([0, 1]);
  expect(reader.asked).toEqual([
    [0, 1],
    [1, 1],
  ]);
  expect(failures).toEqual([]);
});

test("proofs that come behind the reads are compared at once", async () => {
  const { proving, proved, released } = make();
  takeAll(proving);
  await released();
  proving.prove(0, await chunkDigest(0));
  proving.prove(1, await chunkDigest(1));

  expect(proved.map(({ index }) => index)).toEqual([0, 1]);
});

test("the digests of all chunks come at the end, the cut one too", async () => {
  const { proving, released, reader } = make();
  takeAll(proving);
  const finishing = proving.finish();
  await released();

  expect(await finishing).toEqual([
    await chunkDigest(0),
    await chunkDigest(1),
    await chunkDigest(2),
  ]);
  expect(reader.asked).toEqual([[0, 3]]);
});

test("R27: what goes on behind a chunk reads only what is not proved", async () => {
  const fromOffset = CHUNK_BYTES + 7;
  const { proving, released, reader } = make({ firstChunk: 1, fromOffset });
  takeAll(proving, fromOffset);
  const finishing = proving.finish();
  await released();

  expect(await finishing).toEqual([await chunkDigest(1), await chunkDigest(2)]);
  expect(reader.asked).toEqual([[1, 2]]);
});

test("a whole chunk that an earlier attempt left unproved is read before anything comes", () => {
  const { reader } = make({ fromOffset: CHUNK_BYTES });

  expect(reader.asked).toEqual([[0, 1]]);
});

test("F16: a damaged chunk is refused when its proof comes, once it was read", async () => {
  const { proving, proved, failures, released } = make();
  takeAll(proving);
  await released();
  proving.prove(0, await chunkDigest(0));
  const damage = refusal("CHUNK_DAMAGED", { offset: CHUNK_BYTES });

  expect(() => proving.prove(1, WRONG)).toThrow(damage);
  expect(proved.map(({ index }) => index)).toEqual([0]);
  expect(failures).toEqual([]);
});

test("F16: a damaged chunk is told when it was read, if its proof came before", async () => {
  const { proving, proved, failures, released } = make();
  proving.update(CONTENT);
  proving.prove(0, await chunkDigest(0));
  proving.prove(1, WRONG);
  proving.written(CONTENT.byteLength);
  const finishing = proving.finish();
  finishing.catch(() => {});
  await released();
  const damage = refusal("CHUNK_DAMAGED", { offset: CHUNK_BYTES });

  expect(failures as unknown[]).toEqual([damage]);
  expect(proved.map(({ index }) => index)).toEqual([0]);
  expect(finishing).rejects.toThrow(damage);
});

test("a failure that a proof was answered with is not told once more by the read under way", async () => {
  const { proving, failures, released } = make();
  proving.update(CONTENT);
  proving.written(CHUNK_BYTES);
  await released();
  proving.written(CONTENT.byteLength);
  expect(kindOf(() => proving.prove(0, WRONG))).toBe("CHUNK_DAMAGED");
  await released();

  expect(failures).toEqual([]);
});

test.each([
  ["of a chunk that has not come", 0, 100],
  ["of the chunk behind the next", 1, 2 * CHUNK_BYTES],
  ["of the chunk that is cut off at the end", 2, 2 * CHUNK_BYTES + 5],
])("a proof %s is refused", async (_case, index, size) => {
  const { proving } = make();
  proving.update(CONTENT.subarray(0, size));
  const before = index === 2 ? [0, 1] : [];
  for (const proved of before) proving.prove(proved, await chunkDigest(proved));

  expect(kindOf(() => proving.prove(index, WRONG))).toBe("BAD_STATE");
});

test("a reader that is far behind makes no room, and more with each chunk", async () => {
  const { proving, released, progress } = make();
  expect(proving.roomOffset).toBe(UNREAD_BYTES_MAX);
  takeAll(proving);
  await released();

  expect(proving.roomOffset).toBe(3 * CHUNK_BYTES + UNREAD_BYTES_MAX);
  expect(progress()).toBe(1);
});

test("a disk that cannot be read ends it, once", async () => {
  const { proving, reader, failures, released } = make();
  reader.failure = new FtpxError("IO_FAILED");
  takeAll(proving);
  await released();

  expect(failures as unknown[]).toEqual([refusal("IO_FAILED")]);
  expect(proving.finish()).rejects.toThrow(refusal("IO_FAILED"));
});

test("content that is written behind a failure is not read, and the end does not wait for it", async () => {
  const { proving, reader, released } = make();
  proving.update(CONTENT);
  proving.written(CHUNK_BYTES);
  await released();
  expect(kindOf(() => proving.prove(0, WRONG))).toBe("CHUNK_DAMAGED");
  proving.written(CONTENT.byteLength);

  expect(proving.finish()).rejects.toThrow(refusal("CHUNK_DAMAGED"));
  expect(reader.asked).toEqual([[0, 1]]);
});

test("a file that somebody has cut is damaged there", async () => {
  const { proving, file, failures, released } = make();
  takeAll(proving);
  file.content = file.content.slice(0, CHUNK_BYTES);
  await released();

  expect(failures as unknown[]).toEqual([refusal("CHUNK_DAMAGED", { offset: CHUNK_BYTES })]);
});

test("F2: what was written when the line was cut is read and kept before the file is closed", async () => {
  const { proving, proved, failures, released } = make();
  proving.update(CONTENT.subarray(0, 2 * CHUNK_BYTES));
  proving.prove(0, await chunkDigest(0));
  proving.written(CHUNK_BYTES);
  let isSettled = false;
  const settling = proving.settle().then(() => (isSettled = true));
  await turn();
  expect(isSettled).toBeFalse();
  await released();
  await settling;

  expect(proved.map(({ index }) => index)).toEqual([0]);
  expect(failures).toEqual([]);
});
