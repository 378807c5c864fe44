import { expect, test } from "bun:test";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { FakeFile } from "../support/file.ts";
import { bytes } from "../support/octets.ts";
import { kindOf, refusal } from "../support/refusal.ts";
import { chunkDigest, CONTENT, feed, make } from "./reception.ts";

test("a chunk is reported when it is proved and written, in whatever order that happens", async () => {
  const { owner, file, receiver } = await make();
  file.hold();
  receiver.accept(0, CONTENT.slice(0, CHUNK_BYTES));
  receiver.prove(0, await chunkDigest(0));
  expect(owner.chunks).toEqual([]);
  file.release();
  await receiver.settle();
  expect(owner.chunks).toEqual([0]);
  await feed(receiver, CHUNK_BYTES, 2 * CHUNK_BYTES);
  await receiver.settle();
  expect(owner.chunks).toEqual([0]);
  receiver.prove(1, await chunkDigest(1));

  expect(owner.chunks).toEqual([0, 1]);
});

test("F16: a damaged chunk is refused with the offset to begin again from, and not kept", async () => {
  const { owner, file, receiver } = await make();
  await feed(receiver, 0, 2 * CHUNK_BYTES + 5);
  receiver.prove(0, await chunkDigest(0));
  const damage = refusal("CHUNK_DAMAGED", { offset: CHUNK_BYTES });

  expect(() => receiver.prove(1, bytes("00"))).toThrow(damage);
  await receiver.settle();
  expect(owner.chunks).toEqual([0]);
  expect(file.content.byteLength).toBe(CHUNK_BYTES);
});

test.each([
  ["of a chunk that has not come", 0, 100],
  ["of the chunk behind the next", 1, CHUNK_BYTES],
  ["of the chunk that is cut off at the end", 2, 2 * CHUNK_BYTES + 5],
])("a proof %s is refused", async (_case, index, size) => {
  const { receiver } = await make();
  await feed(receiver, 0, size);
  const before = index === 2 ? [0, 1] : [];
  for (const proved of before) receiver.prove(proved, await chunkDigest(proved));

  expect(kindOf(() => receiver.prove(index, bytes("00")))).toBe("BAD_STATE");
  await receiver.settle();
});

test.each([
  ["at the front of a chunk", 1, CHUNK_BYTES],
  ["inside a chunk that is not proved yet", 0, 12_345],
  ["inside a later chunk", 1, CHUNK_BYTES + 1],
  ["a whole chunk behind what is proved", 0, CHUNK_BYTES],
  ["at the end of the file", 2, CONTENT.byteLength],
])(
  "R27: an upload that goes on %s ends with the same digests",
  async (_case, firstChunk, fromOffset) => {
    const file = new FakeFile(CONTENT.slice(0, fromOffset));
    const { owner, receiver } = await make({ file, firstChunk, fromOffset });
    expect(receiver.acceptedOffset).toBe(fromOffset);
    await feed(receiver, fromOffset, CONTENT.byteLength);
    for (let index = firstChunk; index < 2; index += 1)
      receiver.prove(index, await chunkDigest(index));
    const digests = await receiver.finish();
    const held = await Promise.all([0, 1].slice(0, firstChunk).map(chunkDigest));
    const all = await Promise.all([0, 1, 2].map(chunkDigest));

    expect([...held, ...digests]).toEqual(all);
    expect(owner.chunks).toEqual([0, 1].slice(firstChunk));
    expect(Buffer.compare(file.content, CONTENT)).toBe(0);
  },
);

test("F2: a tail that is not the sender's is found out at the proof of its chunk", async () => {
  const held = CONTENT.slice(0, 12_345);
  held[100] = (held[100] ?? 0) ^ 1;
  const file = new FakeFile(held);
  const { receiver } = await make({ file, fromOffset: 12_345 });
  await feed(receiver, 12_345, CHUNK_BYTES);
  const proof = await chunkDigest(0);

  expect(() => receiver.prove(0, proof)).toThrow(refusal("CHUNK_DAMAGED", { offset: 0 }));
  await receiver.settle();
  expect(file.content.byteLength).toBe(0);
});

test("a tail that the file has lost is refused at the start", () => {
  const file = new FakeFile(CONTENT.slice(0, 99));

  expect(make({ file, fromOffset: 100 })).rejects.toThrow(refusal("CHANGED"));
});
