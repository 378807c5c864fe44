import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { FtpxError } from "../../src/base/errors.ts";
import { UNWRITTEN_BYTES_MAX } from "../../src/base/limits.ts";
import { parsePath } from "../../src/base/path.ts";
import { loadKernel } from "../../src/store/kernel.ts";
import { BUFFERS } from "../../src/transfer/buffers.ts";
import { duplicate } from "../../src/vfs/duplication.ts";
import { recover } from "../../src/vfs/recovery.ts";
import type { Vfs } from "../../src/vfs/vfs.ts";
import { failureOf, outcomeOf, refusal } from "../support/refusal.ts";
import { Workshop } from "../support/workshop.ts";

let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
});

afterEach(() => shop.close());

const parts = () => readdirSync(shop.folder.at("storage/.ftpx/parts"));
const stored = (name: string) => readFileSync(shop.folder.at(`storage/ann/${name}`), "utf8");
const isThere = (name: string) => existsSync(shop.folder.at(`storage/ann/${name}`));

test("F8: a file that is in place and could not be counted is no success, and is counted later", async () => {
  shop.failing.set("settle", "DISK_FULL");
  shop.failing.set("recount", "DISK_FULL");
  expect(await outcomeOf(shop.put("/f", "first"))).toBe("OUTCOME_UNKNOWN");
  expect(stored("f")).toBe("first");
  expect(await shop.ledger()).toBe("0/0 5/1");

  shop.failing.clear();
  await shop.put("/f", "second one");
  expect(stored("f")).toBe("second one");
  expect(await shop.ledger()).toBe("10/1 0/0");
  expect(parts()).toEqual([]);
});

test("a file that is in place and was not counted is counted once by a recount", async () => {
  shop.failing.set("settle", "STATE_FAILED");
  expect(await outcomeOf(shop.put("/f", "first"))).toBe("OUTCOME_UNKNOWN");
  shop.failing.clear();
  await shop.depot.recount("ann");

  expect(await shop.ledger()).toBe("5/1 0/0");
});

test("an upload whose rename fails stays resumable, and what stood there stays", async () => {
  await shop.put("/f", "old");
  shop.failing.set("rename", "IO_FAILED");
  expect(await outcomeOf(shop.put("/f", "new one"))).toBe("IO_FAILED");
  expect(stored("f")).toBe("old");
  expect(await shop.ledger()).toBe("3/1 7/1");
  expect(parts().length).toBe(1);

  shop.failing.clear();
  await shop.put("/f", "new one");
  expect(stored("f")).toBe("new one");
  expect(await shop.ledger()).toBe("7/1 0/0");
});

test("an upload whose rename and whose journal fail is taken back by the next one", async () => {
  shop.failing.set("rename", "IO_FAILED");
  shop.failing.set("unpublish", "STATE_FAILED");
  shop.failing.set("recount", "STATE_FAILED");
  expect(await outcomeOf(shop.put("/f", "new one"))).toBe("IO_FAILED");
  expect((await shop.state.uploads()).map(({ phase }) => phase)).toEqual(["publishing"]);

  shop.failing.clear();
  await shop.put("/f", "new one");
  expect(stored("f")).toBe("new one");
  expect(await shop.ledger()).toBe("7/1 0/0");
});

test("a removal that could not be counted has happened, and the home is counted", async () => {
  await shop.put("/f", "first");
  shop.failing.set("credit", "DISK_FULL");
  await shop.vfs.removeFile(parsePath("/f"));
  expect(await shop.depot.recounts.settled()).toBe(true);

  expect(isThere("f")).toBe(false);
  expect(await shop.ledger()).toBe("0/0 0/0");
});

test("an upload that cannot begin leaves neither a part nor a reservation", async () => {
  shop.folder.remove();
  expect(await outcomeOf(shop.open("/f", "content"))).toBe("NO_SUCH_PATH");

  expect(await shop.ledger()).toBe("0/0 0/0");
});

test.skipIf(loadKernel() === undefined)(
  "INV: an empty file that two paths of one name put at once is counted once",
  async () => {
    await shop.vfs.makeDir(parsePath("/d/e"), true);
    symlinkSync("d", shop.folder.at("storage/ann/link"));
    await Promise.all([shop.put("/d/e/f", ""), shop.put("/link/e/f", "")]);
    expect(await shop.ledger()).toBe("0/3 0/0");
  },
);

test("Q6: an upload that nobody went on with is dropped in its time, one that is open is not", async () => {
  await shop.close();
  shop = await Workshop.open({ partAgeMs: 1000 });
  const idle = await shop.open("/idle", "12345");
  await idle.close();
  const open = await shop.open("/open", "1234567");
  await shop.depot.sweep(600);
  expect(parts().length).toBe(2);
  await shop.depot.sweep(600);
  expect(parts().length).toBe(1);
  expect(await shop.ledger()).toBe("0/0 7/1");

  await open.close();
  await shop.depot.sweep(1);
  expect(parts()).toEqual([]);
  expect(await shop.ledger()).toBe("0/0 0/0");
});

test("Q6: an upload that is picked up while it expires is whole or begun anew, never half of one", async () => {
  await shop.close();
  shop = await Workshop.open({ partAgeMs: 1 });
  for (let round = 0; round < 20; round += 1) {
    const first = await shop.open("/f", "content");
    await first.close();
    const [, outcome] = await Promise.all([
      shop.depot.sweep(10),
      outcomeOf(shop.put("/f", "content")),
    ]);
    expect(outcome).toBe("none");
    expect(stored("f")).toBe("content");
    expect(await shop.ledger()).toBe("7/1 0/0");
  }
});

test.each([
  ["before the rename", "rename", "old", "3/1 7/1", { finished: 0, takenBack: 1 }],
  ["behind the rename", "settle", "new one", "7/1 0/0", { finished: 1, takenBack: 0 }],
])("F9: a crash %s is recovered at the start", async (_case, failing, content, ledger, counts) => {
  await shop.put("/f", "old");
  for (const call of [failing, "unpublish", "recount"]) shop.failing.set(call, "STATE_FAILED");
  await outcomeOf(shop.put("/f", "new one"));
  await shop.state.markStarted();

  expect(await recover(shop.state, shop.store)).toMatchObject({ ...counts, wasClean: false });
  expect(stored("f")).toBe(content);
  expect(await shop.ledger()).toBe(ledger);
  expect(await recover(shop.state, shop.store)).toMatchObject({ finished: 0, takenBack: 0 });
});

test.each([
  ["receiving", "by the next start", () => recover(shop.state, shop.store)],
  ["publishing", "by the next start", () => recover(shop.state, shop.store)],
  ["receiving", "by a count", () => shop.depot.recount("ann")],
  ["publishing", "by a count", () => shop.depot.recount("ann")],
] as const)(
  "F9: a copy that ended in %s is dropped %s, an upload stays",
  async (phase, _by, tidy) => {
    const wish = { modifiedMs: 1, source: Uint8Array.of(1), algorithm: "sha256" } as const;
    const place = { user: "ann", totalBytes: 5, isFresh: true, limit: { bytes: 100, files: 10 } };
    for (const isCopy of [true, false]) {
      const path = isCopy ? "/copy" : "/upload";
      const { row } = await shop.state.openUpload({ ...wish, ...place, path, isCopy });
      await (await shop.store.parts.create(row.id)).close();
      if (phase === "publishing") await shop.state.publishing(row.id, { bytes: 0, files: 0 });
    }
    await tidy();

    const left = (await shop.state.uploads()).map((row) => [row.path, row.phase]);
    expect(left).toEqual([["/upload", "receiving"]]);
    expect(parts().length).toBe(1);
    expect(await shop.ledger()).toBe("0/0 5/1");
  },
);

test("F9: a copy that is under way is not dropped by a count", async () => {
  await shop.put("/f", "content");
  const { vfs, depot } = shop;
  const slow = {
    openFile: vfs.openFile.bind(vfs),
    knownDigests: vfs.knownDigests.bind(vfs),
    openUpload: async (...wish: Parameters<Vfs["openUpload"]>) => {
      const claimed = await vfs.openUpload(...wish);
      await depot.recount("ann");
      return claimed;
    },
  } as Vfs;
  const paths = { from: parsePath("/f"), to: parsePath("/g") };
  const wish = { ...paths, mayReplace: () => false, windowBytes: 1e6, onProgress: () => {} };
  await duplicate(slow, wish, new AbortController().signal);

  expect(stored("g")).toBe("content");
  expect(await shop.ledger()).toBe("14/2 0/0");
});

test("A7: what is copied is not published when the right to it is gone by then", async () => {
  await shop.put("/f", "content");
  let askedCount = 0;
  const mayReplace = (): boolean => {
    askedCount += 1;
    if (askedCount > 1) throw new FtpxError("FORBIDDEN");
    return true;
  };
  const paths = { from: parsePath("/f"), to: parsePath("/g") };
  const wish = { ...paths, mayReplace, windowBytes: 1e6, onProgress: () => {} };

  const copying = duplicate(shop.vfs, wish, new AbortController().signal);
  expect(await failureOf(copying)).toEqual(refusal("FORBIDDEN"));
  expect(await shop.ledger()).toBe("7/1 0/0");
});

test("a copy waits as long as too much else waits for the disk", async () => {
  await shop.put("/f", "content");
  const paths = { from: parsePath("/f"), to: parsePath("/g") };
  let copiedBytes = 0;
  const onProgress = (bytes: number) => void (copiedBytes += bytes);
  const wish = { ...paths, mayReplace: () => false, windowBytes: 1e6, onProgress };
  BUFFERS.occupy(UNWRITTEN_BYTES_MAX);
  try {
    const copying = duplicate(shop.vfs, wish, new AbortController().signal);
    await Bun.sleep(100);
    expect(copiedBytes).toBe(0);
    BUFFERS.vacate(UNWRITTEN_BYTES_MAX);
    await copying;
  } finally {
    if (BUFFERS.isScarce) BUFFERS.vacate(UNWRITTEN_BYTES_MAX);
  }

  expect(stored("g")).toBe("content");
});

test("F9: a reservation without a part, and a part without a reservation, go at the start", async () => {
  const first = await shop.open("/f", "content");
  await first.close();
  const [id = ""] = parts();
  await shop.store.parts.remove(id);
  const orphan = await shop.store.parts.create("orphan");
  await orphan.close();

  expect(await recover(shop.state, shop.store)).toMatchObject({
    discarded: 1,
    removedParts: 1,
  });
  expect(parts()).toEqual([]);
  expect(await shop.ledger()).toBe("0/0 0/0");
});
