import { expect, test } from "bun:test";
import { basename, dirname } from "node:path";
import { NAME_BYTES_MAX } from "../../src/base/limits.ts";
import { partPathOf } from "../../src/client/part.ts";

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
