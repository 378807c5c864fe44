/** What is remembered of files, how much of it, and that another version is another file. */
import { expect, test } from "bun:test";
import type { FileFacts, OpenFile } from "../../src/base/openfile.ts";
import { CHUNK_BYTES, HELD_BYTES_EACH } from "../../src/base/limits.ts";
import { DigestMemory } from "../../src/vfs/digestmemory.ts";
import { Chance } from "../support/chance.ts";
import { FakeFile } from "../support/file.ts";

const chance = new Chance(5);
const digestsOf = (count: number) => Array.from({ length: count }, () => chance.bytes(32));

function seen(version: string, chunks = 3) {
  return { bytes: chunks * CHUNK_BYTES, version, device: 1n };
}

test("digests are found again for the same version of the same file, and no other", () => {
  const memory = new DigestMemory();
  const digests = digestsOf(3);
  memory.keep(seen("a"), "sha256", digests);

  expect(memory.find(seen("a"), "sha256")).toEqual(digests);
  expect(memory.find(seen("b"), "sha256")).toBeUndefined();
  expect(memory.find({ ...seen("a"), device: 2n }, "sha256")).toBeUndefined();
  expect(memory.find(seen("a"), "blake3")).toBeUndefined();
});

test("digests of a part of the chunks are not kept, and neither are those of a small file", () => {
  const memory = new DigestMemory();
  memory.keep(seen("a"), "sha256", digestsOf(2));
  memory.keep(seen("b", 1), "sha256", digestsOf(1));

  expect(memory.heldBytes).toBe(0);
});

test("above its bound it forgets what was asked for longest ago", () => {
  const eachBytes = 3 * 32 + HELD_BYTES_EACH;
  const memory = new DigestMemory(2 * eachBytes);
  memory.keep(seen("a"), "sha256", digestsOf(3));
  memory.keep(seen("b"), "sha256", digestsOf(3));
  memory.find(seen("a"), "sha256");
  memory.keep(seen("c"), "sha256", digestsOf(3));

  const held = ["a", "b", "c"].filter((name) => memory.find(seen(name), "sha256") !== undefined);
  expect(held).toEqual(["a", "c"]);
  expect(memory.heldBytes).toBe(2 * eachBytes);
});

test("keeping the same once more costs nothing, and one that is too large nothing for long", () => {
  const memory = new DigestMemory(1000);
  for (let times = 0; times < 3; times += 1) memory.keep(seen("a"), "sha256", digestsOf(3));
  expect(memory.heldBytes).toBe(3 * 32 + HELD_BYTES_EACH);

  memory.keep(seen("huge", 40), "sha256", digestsOf(40));
  expect(memory.heldBytes).toBe(0);
});

/** A file that is looked at once, and cannot be any more where `facts` is missing. */
function published(facts?: { content: string; modifiedMs: number; changedMs: number }): OpenFile {
  const file = new FakeFile();
  const found = Promise.resolve({ ...seen("a"), ...facts } as FileFacts);
  if (facts !== undefined) file.facts = () => found;
  return file;
}

test.each([
  ["that cannot be looked at", undefined, false],
  ["that is as it was before", { content: "c", modifiedMs: 1, changedMs: 5000 }, true],
  ["that was written to since", { content: "d", modifiedMs: 1, changedMs: 5000 }, false],
  ["that may be written to in one tick", { content: "c", modifiedMs: 9, changedMs: 9 }, false],
])("of what was published a file %s is kept or not", async (_case, facts, isKept) => {
  const memory = new DigestMemory();
  await memory.keepPublished(published(facts), "c", "sha256", digestsOf(3));

  expect(memory.heldBytes > 0).toBe(isKept);
});
