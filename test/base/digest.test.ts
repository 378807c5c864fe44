import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  ALGORITHMS,
  ChunkDigester,
  chunksOf,
  composeDigest,
  createHasher,
  DIGEST_BYTES_MAX,
  digestRange,
  formatDigest,
  isAlgorithm,
  isSameDigest,
  parseAlgorithm,
} from "../../src/base/digest.ts";
import type { Algorithm } from "../../src/base/digest.ts";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { withChance } from "../support/chance.ts";
import { Folder } from "../support/folder.ts";
import { bytes, hexOf } from "../support/octets.ts";
import { refusal } from "../support/refusal.ts";
import { readVectorLines } from "../support/vectors.ts";

const ALL = Object.keys(ALGORITHMS) as Algorithm[];
const LARGEST = contentOf(2 * CHUNK_BYTES + 5);
const folder = new Folder();

afterAll(() => folder.remove());

/** What the vectors say of: the byte at offset i is i modulo 251. */
function contentOf(size: number): Uint8Array {
  return new Uint8Array(size).map((_octet, index) => index % 251);
}

async function digestOf(algorithm: Algorithm, pieces: readonly Uint8Array[]): Promise<string> {
  const digester = new ChunkDigester(await createHasher(algorithm), 0);
  for (const piece of pieces) digester.update(piece);
  return formatDigest(await composeDigest(algorithm, digester.finish()));
}

test.each(readVectorLines("digests.txt").map((line) => line.split(" ")))(
  "%s of %s bytes is what the vectors say",
  async (algorithm = "", size = "", digest = "") => {
    const content = LARGEST.subarray(0, Number(size));

    expect(await digestOf(parseAlgorithm(algorithm), [content])).toBe(digest);
  },
);

test.each(ALL)("R27: %s does not depend on how the content was cut", async (algorithm) => {
  const content = LARGEST.subarray(0, CHUNK_BYTES + 77_777);
  const whole = await digestOf(algorithm, [content]);
  await withChance(async (chance) => {
    const places = Array.from({ length: 40 }, () => chance.below(content.byteLength));
    const ends = [...places.toSorted((a, b) => a - b), content.byteLength];
    const pieces = ends.map((end, index) => content.subarray(ends[index - 1] ?? 0, end));

    expect(await digestOf(algorithm, pieces)).toBe(whole);
  });
});

test.each(["sha256", "md5"] as const)(
  "a composite %s equals the one made by hand",
  async (name) => {
    const hash = (content: Uint8Array) => createHash(name).update(content).digest();
    const first = hash(LARGEST.subarray(0, CHUNK_BYTES));
    const second = hash(LARGEST.subarray(CHUNK_BYTES, 2 * CHUNK_BYTES));
    const third = hash(LARGEST.subarray(2 * CHUNK_BYTES));
    const composite = createHash(name).update(first).update(second).update(third).digest("hex");

    expect(await digestOf(name, [LARGEST])).toBe(`${name}:${composite}-3`);
  },
);

test("ChunkDigester says of each whole chunk when its last byte has come, and not before", async () => {
  const closed: number[] = [];
  const hasher = await createHasher("md5");
  const digester = new ChunkDigester(hasher, 5, (index) => closed.push(index));

  digester.update(LARGEST.subarray(0, CHUNK_BYTES - 1));
  expect(closed).toEqual([]);
  digester.update(LARGEST.subarray(0, 1));
  expect(closed).toEqual([5]);
  digester.update(LARGEST.subarray(0, CHUNK_BYTES + 1));
  expect(closed).toEqual([5, 6]);
  expect(digester.finish()).toHaveLength(3);
});

test.each([
  ["an empty file has one, empty chunk", 0, 0, 1],
  ["nothing behind the first chunks is nothing", 1, 0, 0],
  ["a whole chunk is one", 0, CHUNK_BYTES, 1],
  ["a byte more is two", 0, CHUNK_BYTES + 1, 2],
])("ChunkDigester: %s", async (_case, firstChunk, size, count) => {
  const digester = new ChunkDigester(await createHasher("xxh128"), firstChunk);
  digester.update(LARGEST.subarray(0, size));

  expect(digester.finish()).toHaveLength(count);
});

test.each(ALL)("%s digests are kept when the hasher goes on", async (algorithm) => {
  const hasher = await createHasher(algorithm);
  const other = await createHasher(algorithm);
  hasher.update(bytes("01"));
  const first = hasher.finish();
  const copy = first.slice();
  other.update(bytes("03"));
  hasher.update(bytes("02"));
  const second = hasher.finish();
  hasher.update(bytes("01"));

  expect(first).toEqual(copy);
  expect(second).not.toEqual(first);
  expect(hasher.finish()).toEqual(first);
  expect(first.byteLength).toBe(ALGORITHMS[algorithm].digestBytes);
  expect(first.byteLength).toBeLessThanOrEqual(DIGEST_BYTES_MAX);
});

test("digests are the same when algorithm, chunks and bytes are", () => {
  const digest = { algorithm: "md5", bytes: bytes("01"), chunks: 1 } as const;

  expect(isSameDigest(digest, { ...digest, bytes: bytes("01") })).toBeTrue();
  expect(isSameDigest(digest, { ...digest, chunks: 2 })).toBeFalse();
  expect(isSameDigest(digest, { ...digest, algorithm: "xxh128" })).toBeFalse();
  expect(isSameDigest(digest, { ...digest, bytes: bytes("02") })).toBeFalse();
});

test("a digest of one chunk is written plain, of several with their number", () => {
  expect(formatDigest({ algorithm: "md5", bytes: bytes("00ff"), chunks: 1 })).toBe("md5:00ff");
  expect(formatDigest({ algorithm: "md5", bytes: bytes("00ff"), chunks: 9 })).toBe("md5:00ff-9");
});

test.each([
  [0, 1],
  [1, 1],
  [CHUNK_BYTES - 1, 1],
  [CHUNK_BYTES, 1],
  [CHUNK_BYTES + 1, 2],
  [2 * CHUNK_BYTES, 2],
  [2 ** 53 - 1, 2 ** 30],
])("a file of %p bytes has %p chunks", (size, chunks) => {
  expect(chunksOf(size)).toBe(chunks);
});

test.each([0, 1, 700_000])(
  "digestRange goes on behind %p bytes that a file holds",
  async (held) => {
    const file = await folder.open("held", LARGEST.subarray(0, 1_000_000));
    const digester = new ChunkDigester(await createHasher("sha256"), 0);
    await digestRange(digester, file, 0, held);
    digester.update(LARGEST.subarray(held, 800_000));
    await file.close();
    const [digest] = digester.finish();

    expect(hexOf(digest ?? bytes(""))).toBe(
      createHash("sha256").update(LARGEST.subarray(0, 800_000)).digest("hex"),
    );
  },
);

test("digestRange refuses a file that has become shorter", async () => {
  const file = await folder.open("short", LARGEST.subarray(0, 99));
  const digester = new ChunkDigester(await createHasher("md5"), 0);

  expect(digestRange(digester, file, 0, 100)).rejects.toThrow(refusal("CHANGED"));
  await file.close();
});

test.each(["", "SHA256", "sha1", "constructor", "__proto__", "toString"])(
  "I3: %p is no algorithm",
  (name) => {
    expect(isAlgorithm(name)).toBeFalse();
    expect(() => parseAlgorithm(name)).toThrow(refusal("USAGE"));
  },
);

test("algorithms keep their codes on the wire", () => {
  expect(Object.entries(ALGORITHMS).map(([name, { code }]) => [name, code])).toEqual([
    ["sha256", 1],
    ["md5", 2],
    ["xxh128", 3],
    ["blake3", 4],
  ]);
});
