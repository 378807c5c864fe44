/**
 * What every store does, whatever it is made of. A store's own test calls this with
 * something that opens an empty store.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { HOME, nameText, parsePath } from "../../src/base/path.ts";
import type { Home, Store } from "../../src/store/store.ts";
import { NOTHING, namesIn, outcomeOf, pagesOf, put, read, removeTree } from "../store/scratch.ts";
import { refusal } from "../support/refusal.ts";
import { usageContract } from "./usage.ts";

export interface OpenStore {
  readonly store: Store;
  close(): Promise<void>;
}

/** Of the test that runs now: the store, and the home of "al" in it. */
export interface Opened {
  store: Store;
  home: Home;
}

export function storeContract(name: string, open: () => Promise<OpenStore>): void {
  const at = {} as Opened;
  let opened: OpenStore;

  beforeEach(async () => {
    opened = await open();
    at.store = opened.store;
    at.home = await at.store.openHome("al");
  });
  afterEach(async () => {
    await at.home.close();
    await opened.close();
  });

  testReading(name, at);
  testPublishing(name, at);
  testListing(name, at);
  testParts(name, at);
  usageContract(name, at);
}

function testReading(name: string, at: Opened): void {
  test(`${name}: a new home is an empty directory`, async () => {
    expect((await at.home.facts(HOME)).kind).toBe("directory");
    expect(await namesIn(at.home, "/")).toEqual([]);
    expect(await at.home.measure()).toEqual(NOTHING);
  });

  test(`${name}: to ask for a home makes none`, async () => {
    expect(await at.store.hasHome("al")).toBeTrue();
    expect(await at.store.hasHome("bob")).toBeFalse();
    expect(await at.store.hasHome("bob")).toBeFalse();
  });

  test(`${name}: facts and openFile say what is there`, async () => {
    await at.home.makeDir(parsePath("/d"));
    await put(at.store, at.home, "/d/f", "content");

    expect(await at.home.facts(parsePath("/d/f"))).toMatchObject({ kind: "file", bytes: 7 });
    expect((await at.home.facts(parsePath("/d"))).kind).toBe("directory");
    expect(await read(at.home, "/d/f")).toBe("content");
    expect(at.home.facts(parsePath("/d/g"))).rejects.toThrow(refusal("NO_SUCH_PATH"));
    expect(at.home.facts(parsePath("/d/f/x"))).rejects.toThrow(refusal("NOT_A_DIRECTORY"));
    expect(at.home.openFile(parsePath("/d/g"))).rejects.toThrow(refusal("NO_SUCH_PATH"));
    expect(at.home.openFile(parsePath("/d"))).rejects.toThrow(refusal("IS_A_DIRECTORY"));
    expect(at.home.openFile(HOME)).rejects.toThrow(refusal("IS_A_DIRECTORY"));
  });

  test(`${name}: P2 homes whose names begin alike are strangers`, async () => {
    const alice = await at.store.openHome("alice");
    await put(at.store, alice, "/x", "of alice");

    expect(() => parsePath("/../alice/x")).toThrow(refusal("OUTSIDE_HOME"));
    expect(await outcomeOf(at.home.facts(parsePath("/alice/x")))).toBe("NO_SUCH_PATH");
    expect(await at.home.measure()).toEqual(NOTHING);
    expect(await alice.measure()).toEqual({ bytes: 8, files: 1 });
    await alice.close();
  });

  test(`${name}: F15 an open file stays what it was when another replaces it`, async () => {
    await put(at.store, at.home, "/f", "old");
    const file = await at.home.openFile(parsePath("/f"));
    const before = await file.facts();
    await put(at.store, at.home, "/f", "new content");

    const content = Buffer.alloc(16);
    expect(content.subarray(0, await file.read(content, 0)).toString()).toBe("old");
    expect((await at.home.facts(parsePath("/f"))).version).not.toBe(before.version);
    await file.close();
  });
}

function testPublishing(name: string, at: Opened): void {
  test(`${name}: publish answers what it replaces`, async () => {
    expect(await put(at.store, at.home, "/f", "12345")).toEqual(NOTHING);
    expect(await put(at.store, at.home, "/f", "123")).toEqual({ bytes: 5, files: 1 });
    expect(await read(at.home, "/f")).toBe("123");
    expect(await at.home.measure()).toEqual({ bytes: 3, files: 1 });
  });

  test(`${name}: publish refuses directories, and the part is still there`, async () => {
    await at.home.makeDir(parsePath("/d"));
    await (await at.store.parts.create("p")).close();

    expect(await outcomeOf(at.home.publish("p", parsePath("/d")))).toBe("IS_A_DIRECTORY");
    expect(await outcomeOf(at.home.publish("p", HOME))).toBe("IS_A_DIRECTORY");
    expect(await outcomeOf(at.home.publish("p", parsePath("/no/f")))).toBe("NO_SUCH_PATH");
    expect(await outcomeOf(at.home.publish("absent", parsePath("/f")))).toBe("NO_SUCH_PATH");
    expect(await at.store.parts.list()).toEqual(["p"]);
    expect(await at.home.measure()).toEqual({ bytes: 0, files: 1 });
  });

  test(`${name}: syncParent takes every path that could be published to`, async () => {
    await at.home.makeDir(parsePath("/d"));

    await at.home.syncParent(HOME);
    await at.home.syncParent(parsePath("/f"));
    await at.home.syncParent(parsePath("/d/f"));
    expect(at.home.syncParent(parsePath("/no/f"))).rejects.toThrow(refusal("NO_SUCH_PATH"));
  });

  test(`${name}: makeDir makes one directory and replaces nothing`, async () => {
    await at.home.makeDir(parsePath("/d"));
    await put(at.store, at.home, "/f", "x");

    for (const path of ["/", "/d", "/f"]) {
      expect(await outcomeOf(at.home.makeDir(parsePath(path)))).toBe("EXISTS");
    }
    expect(await outcomeOf(at.home.makeDir(parsePath("/no/d")))).toBe("NO_SUCH_PATH");
    expect(await outcomeOf(at.home.makeDir(parsePath("/f/d")))).toBe("NOT_A_DIRECTORY");
  });
}

function testListing(name: string, at: Opened): void {
  test(`${name}: D6 list gives every entry once and in order, in pages of any size`, async () => {
    const names = Array.from({ length: 300 }, (_unused, index) => `file ${index}`);
    await Promise.all(names.map((each) => put(at.store, at.home, `/${each}`, each)));
    for (const pageEntries of [1, 7, 127, 128, 129, 299, 300, 301]) {
      const listing = await at.home.list(HOME);
      const pages = await pagesOf(listing, pageEntries);
      await listing.close();

      expect(pages.every((page) => page.length <= pageEntries)).toBe(true);
      expect(pages.flat().map((entry) => entry.name)).toEqual(names.toSorted());
    }
  });

  test(`${name}: list says kind, size and time of entries`, async () => {
    await at.home.makeDir(parsePath("/d"));
    await put(at.store, at.home, "/f", "12345");
    const listing = await at.home.list(HOME);
    const entries = await listing.next(10);
    await listing.close();

    expect(entries).toMatchObject([
      { name: "d", kind: "directory", bytes: 0 },
      { name: "f", kind: "file", bytes: 5 },
    ]);
    expect(entries[1]?.modifiedMs).toBe((await at.home.facts(parsePath("/f"))).modifiedMs);
    expect(at.home.list(parsePath("/f"))).rejects.toThrow(refusal("NOT_A_DIRECTORY"));
    expect(at.home.list(parsePath("/no"))).rejects.toThrow(refusal("NO_SUCH_PATH"));
  });

  test(`${name}: what goes between two pages is left out, and the end is told once`, async () => {
    for (const path of ["/a", "/b", "/c"]) await put(at.store, at.home, path, "");
    const listing = await at.home.list(HOME);
    const [first] = await listing.next(1);
    for (const path of ["/a", "/b", "/c"]) await at.home.removeFile(parsePath(path));

    expect(first).toBeDefined();
    expect(await listing.next(10)).toEqual([]);
    expect(await listing.next(10)).toEqual([]);
    await listing.close();
    await listing.close();
  });

  test(`${name}: P7 names that are not UTF-8 can be listed, opened, moved and removed`, async () => {
    const odd = nameText(Uint8Array.of(0x62, 0x61, 0x64, 0xff, 0xfe));
    await put(at.store, at.home, `/${odd}`, "odd");

    expect(await namesIn(at.home, "/")).toEqual([odd]);
    expect(await read(at.home, `/${odd}`)).toBe("odd");
    await at.home.makeDir(parsePath(`/d${odd}`));
    await at.home.move(parsePath(`/${odd}`), parsePath(`/d${odd}/${odd}`));
    expect(await at.home.measure()).toEqual({ bytes: 3, files: 2 });
    expect(await removeTree(at.home, `/d${odd}`)).toEqual({ bytes: 3, files: 2 });
    expect(await namesIn(at.home, "/")).toEqual([]);
  });

  test(`${name}: P8 two spellings of é are two files`, async () => {
    await put(at.store, at.home, "/\u00e9", "composed");
    await put(at.store, at.home, "/e\u0301", "decomposed");

    expect(await namesIn(at.home, "/")).toEqual(["e\u0301", "\u00e9"]);
    expect(await read(at.home, "/\u00e9")).toBe("composed");
    expect(await read(at.home, "/e\u0301")).toBe("decomposed");
  });
}

function testParts(name: string, at: Opened): void {
  test(`${name}: parts are made once, opened again, and removed as often as one likes`, async () => {
    const part = await at.store.parts.create("p-1");
    await part.write([Buffer.from("held")], 0);
    await part.close();

    expect(await outcomeOf(at.store.parts.create("p-1"))).toBe("EXISTS");
    const again = await at.store.parts.open("p-1");
    await again.write([Buffer.from(" on")], 4);
    expect((await again.facts()).bytes).toBe(7);
    await again.close();
    expect(await at.store.parts.list()).toEqual(["p-1"]);
    await at.store.parts.remove("p-1");
    await at.store.parts.remove("p-1");
    expect(await outcomeOf(at.store.parts.open("p-1"))).toBe("NO_SUCH_PATH");
    expect(await at.store.parts.list()).toEqual([]);
  });

  test(`${name}: P9 parts are in no home, and .ftpx there is a name like others`, async () => {
    await (await at.store.parts.create("p")).close();

    expect(await at.home.measure()).toEqual(NOTHING);
    expect(await outcomeOf(at.home.facts(parsePath("/.ftpx/parts/p")))).toBe("NO_SUCH_PATH");
    await at.home.makeDir(parsePath("/.ftpx"));
    await put(at.store, at.home, "/.ftpx/parts", "mine");
    expect(await at.store.parts.list()).toEqual(["p"]);
  });
}
