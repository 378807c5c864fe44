import { expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { CHUNK_BYTES, NAME_BYTES_MAX } from "../../src/base/limits.ts";
import { DownloadPart } from "../../src/client/part.ts";
import { partPathOf } from "../../src/client/partnames.ts";
import { Folder } from "../support/folder.ts";
import { failureOf, refusal } from "../support/refusal.ts";

test("a part lies beside its destination, under a name that says whose it is", () => {
  expect(partPathOf("/x/y/a.iso")).toBe("/x/y/.a.iso.ftpx-part");
  expect(partPathOf("a.iso")).toBe(".a.iso.ftpx-part");
});

test.each([
  ["the longest name", "x".repeat(NAME_BYTES_MAX)],
  ["the longest name in letters of three bytes", "日".repeat(NAME_BYTES_MAX / 3)],
])("P10: the part of a file with %s, and its log, have names that fit", (_case, name) => {
  const part = partPathOf(`/x/${name}`);

  expect(dirname(part)).toBe("/x");
  expect(Buffer.byteLength(basename(`${part}.log`))).toBeLessThanOrEqual(NAME_BYTES_MAX);
  expect(partPathOf(`/x/${name.slice(1)}`)).not.toBe(part);
});

const ORIGIN = { server: "s", path: "/a", version: "v", algorithm: "sha256" } as const;
const NEVER = new AbortController().signal;

test("content without its digest counts for less than a chunk", async () => {
  const folder = new Folder();
  const part = await DownloadPart.open(folder.at("a"), NEVER);
  await part.restart(ORIGIN, 0, 0);
  for (const [bytes, held] of [
    [CHUNK_BYTES - 1, CHUNK_BYTES - 1],
    [CHUNK_BYTES, CHUNK_BYTES - 1],
    [2 * CHUNK_BYTES, CHUNK_BYTES - 1],
  ] as const) {
    await part.file.truncate(bytes);
    expect(await part.heldBytes()).toBe(held);
  }
  await part.add([new Uint8Array(32)]);
  expect(await part.heldBytes()).toBe(2 * CHUNK_BYTES - 1);
  await part.file.close();
  folder.remove();
});

test("a link that is planted where the part goes is not followed", async () => {
  const folder = new Folder();
  writeFileSync(folder.at("precious"), "precious");
  symlinkSync("precious", folder.at(".a.ftpx-part"));

  expect(await failureOf(DownloadPart.open(folder.at("a"), NEVER))).toMatchObject({
    details: { reason: "ELOOP" },
  });
  expect(readFileSync(folder.at("precious"), "utf8")).toBe("precious");
  folder.remove();
});

test("a link that is planted where the log goes is neither read nor written", async () => {
  const folder = new Folder();
  const own = await DownloadPart.open(folder.at("b"), NEVER);
  await own.restart(ORIGIN, 0, 0);
  await own.file.close();
  const before = readFileSync(folder.at(".b.ftpx-part.log"), "utf8");
  symlinkSync(".b.ftpx-part.log", folder.at(".a.ftpx-part.log"));
  const part = await DownloadPart.open(folder.at("a"), NEVER);

  expect(part.origin).toBeUndefined();
  expect(await failureOf(part.restart(ORIGIN, 0, 0))).toEqual(refusal("LOCAL_PATH"));
  expect(await failureOf(part.add([new Uint8Array(32)]))).toEqual(refusal("LOCAL_PATH"));
  expect(readFileSync(folder.at(".b.ftpx-part.log"), "utf8")).toBe(before);
  await part.file.close();
  folder.remove();
});

test("a log is written over and added to, and read again", async () => {
  const folder = new Folder();
  const part = await DownloadPart.open(folder.at("a"), NEVER);
  await part.restart({ ...ORIGIN, version: "a longer one than the next" }, 0, 0);
  await part.restart(ORIGIN, 0, 0);
  await part.add([new Uint8Array(32).fill(1)]);
  await part.add([new Uint8Array(32).fill(2)]);
  await part.file.close();
  const lines = readFileSync(folder.at(".a.ftpx-part.log"), "utf8").trimEnd().split("\n");

  expect(JSON.parse(lines[0] ?? "")).toMatchObject(ORIGIN);
  expect(lines.slice(1)).toEqual(["01".repeat(32), "02".repeat(32)]);
  folder.remove();
});

test("a part is checked when it is opened after a reboot, and what does not fit is dropped", async () => {
  const folder = new Folder();
  const content = new Uint8Array(2 * CHUNK_BYTES).fill(7);
  const digest = new Bun.CryptoHasher("sha256").update(content.subarray(CHUNK_BYTES)).digest();
  const part = await DownloadPart.open(folder.at("a"), NEVER);
  await part.restart(ORIGIN, 0, 0);
  await part.file.write([content], 0);
  await part.add([new Uint8Array(digest), new Uint8Array(digest)]);
  await part.file.close();
  const again = await DownloadPart.open(folder.at("a"), NEVER);
  await again.file.write([new Uint8Array(1)], CHUNK_BYTES);
  await again.file.close();
  const log = folder.at(".a.ftpx-part.log");
  writeFileSync(log, readFileSync(log, "utf8").replace(/"boot":"[^"]*"/, '"boot":"earlier"'));
  const rebooted = await DownloadPart.open(folder.at("a"), NEVER);

  expect([again.isChecked, again.digests.length]).toEqual([false, 2]);
  expect([rebooted.isChecked, rebooted.digests.length]).toEqual([true, 1]);
  await rebooted.file.close();
  folder.remove();
});

test("a part that is new holds nothing, and one beside a log that was left is not new", async () => {
  const folder = new Folder();
  const first = await DownloadPart.open(folder.at("a"), NEVER);
  expect(first.isNew).toBe(true);
  await first.restart(ORIGIN, 0, 0);
  await first.close();
  const again = await DownloadPart.open(folder.at("a"), NEVER);
  expect(again.isNew).toBe(false);
  expect(again.origin).toMatchObject(ORIGIN);
  await again.close();
  rmSync(folder.at(".a.ftpx-part"));
  const beside = await DownloadPart.open(folder.at("a"), NEVER);
  expect(beside.isNew).toBe(false);
  await beside.remove();
  await beside.close();

  expect(readdirSync(folder.path)).toEqual([]);
  folder.remove();
});
