import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { Workshop } from "../support/workshop.ts";

let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
  await shop.put("/f", "12345");
});

afterEach(() => shop.close());

async function findings(isFixing = false): Promise<string[]> {
  const found = [
    ...(await shop.depot.checkUser("ann", isFixing)),
    ...(await shop.depot.checkParts(isFixing)),
  ];
  return found.map(
    ({ kind, path, expectedBytes, foundBytes }) => `${kind} ${path} ${expectedBytes} ${foundBytes}`,
  );
}

/** Breaks something, and answers what is to be found then. */
const DAMAGES: [string, () => Promise<string[]>][] = [
  [
    "a file that was placed by hand",
    async () => {
      writeFileSync(shop.folder.at("storage/ann/hand"), "xx");
      return ["usage  5 7"];
    },
  ],
  [
    "an upload whose part is gone",
    async () => {
      await (await shop.open("/g", "123")).close();
      const [id = ""] = readdirSync(shop.folder.at("storage/.ftpx/parts"));
      await shop.store.parts.remove(id);
      return ["missing-part /g 3 0"];
    },
  ],
  [
    "a part that no upload names",
    async () => {
      await (await shop.store.parts.create("stray")).close();
      return ["orphan-part stray 0 0"];
    },
  ],
  [
    "a file that was published and not counted",
    async () => {
      await (await shop.open("/g", "123")).close();
      const [row] = await shop.state.uploads("ann");
      await shop.state.publishing(row?.id ?? "", { bytes: 0, files: 0 });
      renameSync(shop.folder.at(`storage/.ftpx/parts/${row?.id}`), shop.folder.at("storage/ann/g"));
      truncateSync(shop.folder.at("storage/ann/g"), 3);
      return ["unsettled /g 3 0", "usage  5 8"];
    },
  ],
];

test.each(DAMAGES)("%s is found, and mended when that is asked for", async (_case, damage) => {
  expect(await findings()).toEqual([]);
  const expected = await damage();

  expect(await findings()).toEqual(expected);
  expect(await findings()).toEqual(expected);
  expect((await findings(true)).length).toBeGreaterThan(0);
  expect(await findings()).toEqual([]);
});

test.each(["its part", "no part"])(
  "a copy that was being published and has %s is nobody's to go on with",
  async (left) => {
    const place = { user: "ann", path: "/g", totalBytes: 3, limit: { bytes: 100, files: 10 } };
    const wish = { modifiedMs: 1, source: Uint8Array.of(1), algorithm: "sha256" } as const;
    const intent = { ...place, ...wish, isFresh: true, isCopy: true };
    const { row } = await shop.state.openUpload(intent);
    if (left === "its part") await (await shop.store.parts.create(row.id)).close();
    else writeFileSync(shop.folder.at("storage/ann/g"), "123");
    await shop.state.publishing(row.id, { bytes: 0, files: 0 });

    expect(await findings(true)).toContain("unsettled /g 3 0");
    expect(await findings()).toEqual([]);
    expect(await shop.state.uploads("ann")).toEqual([]);
    expect(readdirSync(shop.folder.at("storage/.ftpx/parts"))).toEqual([]);
    expect(await shop.ledger()).toBe(left === "its part" ? "5/1 0/0" : "8/2 0/0");
  },
);

test("an upload that is open is no finding, whatever it is doing", async () => {
  const open = await shop.open("/g", "123");

  expect(await findings()).toEqual([]);
  await open.close();
  expect(await findings()).toEqual([]);
});
