import { expect, test } from "bun:test";
import { hideFolder, librariesOf } from "../../src/store/kernel.ts";
import { checkedBytes } from "../../src/store/walk.ts";
import { refusal } from "../support/refusal.ts";

test.each([
  ["linux", "x64", ["libc.so.6", "libc.musl-x86_64.so.1", "libc.so"]],
  ["linux", "arm64", ["libc.so.6", "libc.musl-aarch64.so.1", "libc.so"]],
  ["darwin", "arm64", ["libSystem.B.dylib"]],
  ["win32", "x64", []],
] as const)("the C library of %s on %s", (platform, arch, names) => {
  expect(librariesOf(platform, arch)).toEqual(names);
});

test.each(["..\\..\\alice\\f", "C:x", "f:stream", "con", "a."])(
  "P1: a server on Windows has no %p in a home, others have",
  (name) => {
    expect(() => checkedBytes(name, "win32")).toThrow(refusal("BAD_PATH"));
    expect(Buffer.from(checkedBytes(name, "linux")).toString()).toBe(name);
  },
);

test("folders have modes where they have no access lists", () => {
  expect(hideFolder("/nowhere", "linux")).toBe(true);
});

test.skipIf(process.platform === "win32")("an access list that cannot be set is told", () => {
  expect(hideFolder("/nowhere", "win32")).toBe(false);
});
