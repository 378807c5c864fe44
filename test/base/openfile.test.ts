import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import fs from "node:fs";
import { OpenFile } from "../../src/base/openfile.ts";
import { Chance } from "../support/chance.ts";
import { Folder } from "../support/folder.ts";
import { bytes, joined } from "../support/octets.ts";
import { refusal } from "../support/refusal.ts";

const CONTENT = Uint8Array.from(Buffer.from("0123456789"));
/** What Bun and Node take for "wherever the file stands", or for 0. */
const NOT_SIZES = [-1, Number.NaN, 1.5, 2 ** 53, 2n, undefined, null, "3"] as unknown as number[];

let folder: Folder;
let file: OpenFile;

beforeEach(async () => {
  folder = new Folder();
  file = await folder.open("f", CONTENT);
});

afterEach(async () => {
  mock.restore();
  await file.close();
  folder.remove();
});

/** Makes a call of node:fs transfer at most so many bytes at a time, as `limits` says. */
function limit(name: "writev" | "read", limits: number[]): void {
  const real = fs[name] as (...args: unknown[]) => void;
  const short = (fd: number, buffers: unknown, ...rest: unknown[]): void => {
    const most = limits.shift();
    if (most === undefined) real(fd, buffers, ...rest);
    else if (name === "read")
      real(fd, buffers, rest[0], Math.min(most, Number(rest[1])), ...rest.slice(2));
    else real(fd, [joined(buffers as Uint8Array[]).subarray(0, most)], ...rest);
  };
  spyOn(fs, name).mockImplementation(short as never);
}

test.each(NOT_SIZES)("R16: reading at position %p is refused", (position) => {
  expect(file.read(new Uint8Array(2), position)).rejects.toThrow(refusal("OUT_OF_RANGE"));
});

test.each(NOT_SIZES)(
  "R16: writing at position %p is refused and changes nothing",
  async (position) => {
    expect(file.write([bytes("ff")], position)).rejects.toThrow(refusal("OUT_OF_RANGE"));
    await file.facts();

    expect(folder.read("f")).toEqual(CONTENT);
  },
);

test.each(NOT_SIZES)("R16: truncating to %p is refused and changes nothing", async (length) => {
  expect(file.truncate(length)).rejects.toThrow(refusal("OUT_OF_RANGE"));
  await file.facts();

  expect(folder.read("f")).toEqual(CONTENT);
});

test.each(NOT_SIZES)("R16: a modification time of %p is refused", (time) => {
  expect(file.setModified(time)).rejects.toThrow(refusal("OUT_OF_RANGE"));
});

test("read fills from the position, and gives less only at the end", async () => {
  const into = new Uint8Array(4);

  expect(await file.read(into, 3)).toBe(4);
  expect(into).toEqual(CONTENT.subarray(3, 7));
  expect(await file.read(into, 8)).toBe(2);
  expect(into.subarray(0, 2)).toEqual(CONTENT.subarray(8));
  expect(await file.read(into, 10)).toBe(0);
  expect(await file.read(into, 1_000_000)).toBe(0);
  expect(await file.read(new Uint8Array(0), 0)).toBe(0);
});

test("write puts all pieces behind one another, over what was there and beyond", async () => {
  await file.write([bytes("61"), bytes(""), bytes("62 63"), bytes("64")], 8);

  expect(Buffer.from(folder.read("f")).toString()).toBe("01234567abcd");
});

test("write of nothing does nothing", async () => {
  await file.write([], 0);
  await file.write([bytes(""), bytes("")], 3);

  expect(folder.read("f")).toEqual(CONTENT);
});

test("F7, R17: short reads are continued", async () => {
  const into = new Uint8Array(9);
  limit("read", [1, 3, 1]);

  expect(await file.read(into, 1)).toBe(9);
  expect(into).toEqual(CONTENT.subarray(1));
});

test("F7, R17: short writes are continued where they ended, in whatever piece", async () => {
  const chance = new Chance(17);
  for (let round = 0; round < 50; round += 1) {
    const pieces = Array.from({ length: 8 }, () => chance.bytes(chance.below(6)));
    const content = joined(pieces);
    const limits = Array.from({ length: 6 }, () => chance.between(1, 7));
    await file.truncate(0);
    limit("writev", limits);
    await file.write(pieces, 5);
    mock.restore();

    expect(folder.read("f").slice(5)).toEqual(content);
  }
});

test("D7: a write that makes no progress ends with an error, not never", () => {
  limit("writev", [1, 0]);

  expect(file.write([bytes("01 02 03")], 0)).rejects.toThrow(refusal("IO_FAILED"));
});

test("a failure of the system is named in our terms", async () => {
  const reader = await OpenFile.open(folder.at("f"), fs.constants.O_RDONLY);

  expect(OpenFile.open(folder.at("none"), fs.constants.O_RDONLY)).rejects.toThrow(
    refusal("NO_SUCH_PATH"),
  );
  expect(OpenFile.open(folder.path, fs.constants.O_RDWR)).rejects.toThrow(
    refusal("IS_A_DIRECTORY"),
  );
  expect(reader.write([bytes("01")], 0)).rejects.toThrow(refusal("IO_FAILED", { reason: "EBADF" }));
  await reader.close();
});

test("truncate cuts and fills up", async () => {
  await file.truncate(3);
  expect(folder.read("f")).toEqual(CONTENT.subarray(0, 3));
  await file.truncate(5);
  expect(folder.read("f")).toEqual(bytes("30 31 32 00 00"));
});

test("a modification time is kept to the millisecond", async () => {
  const chance = new Chance(7);
  for (let round = 0; round < 500; round += 1) {
    const modifiedMs = chance.below(4_000_000_000_000);
    await file.setModified(modifiedMs);

    expect((await file.facts()).modifiedMs).toBe(modifiedMs);
  }
});

test("I7: the last moment that the wire can name sets what the file system can keep", async () => {
  await file.setModified(2 ** 53 - 1);

  expect(folder.read("f")).toEqual(CONTENT);
});

test("facts give another version whenever the content may have changed", async () => {
  const versions = new Set([(await file.facts()).version]);
  await file.write([bytes("61")], 0);
  versions.add((await file.facts()).version);
  await file.truncate(4);
  versions.add((await file.facts()).version);
  // The times of the content set back do not bring the version back: ctime stays.
  await file.setModified(1);
  versions.add((await file.facts()).version);

  expect(versions.size).toBe(4);
  expect(await file.facts()).toMatchObject({ kind: "file", bytes: 4, modifiedMs: 1 });
});

test("content tells a changed file, and not one that was renamed while it is open", async () => {
  const { content, version } = await file.facts();
  // The clock of the file system has ticks.
  await Bun.sleep(20);
  fs.renameSync(folder.at("f"), folder.at("g"));
  const renamed = await file.facts();
  fs.renameSync(folder.at("g"), folder.at("f"));
  await file.write([bytes("61")], 0);

  expect([renamed.content, renamed.version === version]).toEqual([content, false]);
  expect((await file.facts()).content).not.toBe(content);
});

test("close may be called twice and closes once", async () => {
  const other = await folder.open("g");
  await other.close();
  const taken = await folder.open("h");
  await other.close();

  expect((await taken.facts()).kind).toBe("file");
  await taken.close();
});

test("sync and syncData settle", async () => {
  await file.sync();
  await file.syncData();

  expect(folder.read("f")).toEqual(CONTENT);
});

test("whether there is content at a position is told at the end of the file and before it", () => {
  expect([0, 9, 10, 99].map((position) => file.hasContentAt(position))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test.each(NOT_SIZES)("R16: looking for content at position %p is refused", (position) => {
  expect(() => file.hasContentAt(position)).toThrow(refusal("OUT_OF_RANGE"));
});

test("a file is closed once, in whichever way, and small ones at once", async () => {
  const close = spyOn(fs, "closeSync");
  const closing = file.closeOf(1);
  expect(close.mock.calls).toEqual([[file.fd]]);
  await closing;
  file.closeNow();
  await file.close();

  expect(close.mock.calls.length).toBe(1);
});

test("what would be long to free is not closed on the calling thread", async () => {
  const close = spyOn(fs, "closeSync");
  await file.closeOf(2 ** 20);

  expect(close.mock.calls).toEqual([]);
});
