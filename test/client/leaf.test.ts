import { expect, test } from "bun:test";
import { isLeaf, safeLeaf } from "../../src/client/leaf.ts";

const refused = expect.objectContaining({ kind: "UNSAFE_NAME" });

test.each(["../../x", "/etc/x", "a/b", "", ".", "..", "a\0b", ".ssh/authorized_keys"])(
  "P5: safeLeaf refuses %p on every platform",
  (name) => {
    for (const platform of ["linux", "darwin", "win32"] as const) {
      expect(() => safeLeaf(name, platform)).toThrow(refused);
    }
    expect(isLeaf(name)).toBe(false);
  },
);

test.each([
  "C:\\x",
  "C:",
  "a\\b",
  "file:stream",
  "CON",
  "con.txt",
  "Lpt1",
  "com¹.log",
  "nul .txt",
  "CONIN$",
  "a.",
  "a ",
  "...",
  "a*",
  "a\x01",
])("P5: safeLeaf refuses %p on Windows alone", (name) => {
  expect(() => safeLeaf(name, "win32")).toThrow(refused);
  expect(safeLeaf(name, "linux")).toBe(name);
});

test.each(["a.iso", "my file (1).iso", ".profile", "console.txt", "é", "a..b", "lpt10"])(
  "safeLeaf takes %p everywhere",
  (name) => {
    for (const platform of ["linux", "darwin", "win32"] as const) {
      expect(safeLeaf(name, platform)).toBe(name);
    }
  },
);
