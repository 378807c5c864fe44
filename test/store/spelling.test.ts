/**
 * Row P8 on file systems that take two names for one. Every name of the store goes through
 * `Directory.at`; here that folds them, as those of macOS and Windows do.
 */
import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { nameBytes, nameText, parsePath } from "../../src/base/path.ts";
import { Directory } from "../../src/store/location.ts";
import { mayFold } from "../../src/store/spelling.ts";
import { makeScratchDir, namesIn, openScratch, outcomeOf, put, read } from "./scratch.ts";
import type { Scratch } from "./scratch.ts";

const E_NFC = "\u00e9";
const E_NFD = "e\u0301";

/** Names that are one to such a file system: what is there, and what comes. */
const PAIRS = [
  ["a", "A"],
  [E_NFC, E_NFD],
  [E_NFD, E_NFC.toUpperCase()],
] as const;

let scratch: Scratch;
/** What was put there by which name, by the folded one. */
let spelled: Map<string, string>;

/** As `Directory.at` has it. */
function at({ path }: Directory, name: Uint8Array): string {
  return join(path.toString(), nameText(name));
}

beforeEach(async () => {
  spelled = new Map();
  spyOn(Directory.prototype, "at").mockImplementation(function (this: Directory, name) {
    const text = nameText(name);
    const folded = text.normalize("NFD").toLowerCase();
    const there = spelled.get(folded);
    const isThere = there !== undefined && fs.existsSync(at(this, nameBytes(there)));
    if (!isThere) spelled.set(folded, text);
    return Buffer.from(at(this, nameBytes(isThere ? there : text)));
  });
  scratch = await openScratch({ way: "path" });
});

afterEach(async () => {
  await scratch.close();
  mock.restore();
});

test.each([...PAIRS])("P8: a file %p is not replaced by an upload to %p", async (there, coming) => {
  const { store, home } = scratch;
  await put(store, home, `/${there}`, "first");

  expect(await outcomeOf(put(store, home, `/${coming}`, "second"))).toBe("SAME_NAME");
  expect(await read(home, `/${there}`)).toBe("first");
  expect(await namesIn(home, "/")).toEqual([there]);
  expect(await put(store, home, `/${there}`, "third")).toEqual({ bytes: 5, files: 1 });
});

test.each([...PAIRS])("P8: a directory %p is not taken for %p", async (there, coming) => {
  const { home } = scratch;
  await home.makeDir(parsePath(`/${there}`));

  expect(await outcomeOf(home.makeDir(parsePath(`/${coming}`)))).toBe("SAME_NAME");
  expect(await outcomeOf(home.makeDir(parsePath(`/${there}`)))).toBe("EXISTS");
});

test.each([...PAIRS])(
  "P8: what is called %p is not replaced by a rename to %p",
  async (there, to) => {
    const { store, home } = scratch;
    await put(store, home, `/${there}`, "first");
    await put(store, home, "/other", "second");

    expect(await outcomeOf(home.move(parsePath("/other"), parsePath(`/${to}`)))).toBe("SAME_NAME");
    expect(await read(home, `/${there}`)).toBe("first");
    expect(await read(home, "/other")).toBe("second");
  },
);

test("a file system is taken to fold names when it does, or may", async () => {
  const dir = makeScratchDir();
  fs.mkdirSync(join(dir, "own"));
  using directory = await Directory.open(dir, false);
  expect(fs.existsSync(directory.at(Buffer.from("own")))).toBe(true);
  expect(await mayFold(directory, "own", "linux")).toBe(true);
  mock.restore();

  expect(await mayFold(directory, "own", "linux")).toBe(false);
  expect(await mayFold(directory, "own", "darwin")).toBe(true);
  expect(await mayFold(directory, "own", "win32")).toBe(true);
  fs.rmSync(dir, { recursive: true });
});
