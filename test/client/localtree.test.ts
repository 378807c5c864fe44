import { afterAll, expect, test } from "bun:test";
import fs from "node:fs";
import { findLocal, localNames, walkLocal } from "../../src/client/localtree.ts";
import { workThrough } from "../../src/client/queue.ts";
import { Folder } from "../support/folder.ts";
import { refusal } from "../support/refusal.ts";

const folder = new Folder();
afterAll(() => folder.remove());

const { signal } = new AbortController();

test("a walk finds all below a directory, links not followed, parts of ours left out", async () => {
  fs.mkdirSync(folder.at("t/d/e"), { recursive: true });
  fs.writeFileSync(folder.at("t/d/f"), "123");
  fs.writeFileSync(folder.at("t/.f.ftpx-part"), "1");
  fs.symlinkSync("d", folder.at("t/l"));
  const tree = await walkLocal(folder.at("t"), { signal });

  const found = tree.entries.map(({ relative, kind, bytes }) => `${relative} ${kind} ${bytes}`);
  expect(found.toSorted()).toEqual(["d directory 0", "d/e directory 0", "d/f file 3", "l link 0"]);
  expect([tree.failures, [...tree.guarded]]).toEqual([[], [""]]);
});

test("P7: names that are not UTF-8 are found again by what they are called", async () => {
  const name = Buffer.from("bad\xff\xfe", "latin1");
  fs.mkdirSync(folder.at("b"));
  fs.writeFileSync(Buffer.concat([Buffer.from(folder.at("b/")), name]), "12");

  const [found = ""] = await localNames(folder.at("b"));
  expect(found).toBe("bad\u{10feff}\u{10fefe}");
  expect(await findLocal(folder.at(`b/${found}`))).toMatchObject({ kind: "file", bytes: 2 });
  expect(await findLocal(folder.at("b/none"))).toBeUndefined();
});

const isNotSkip = (relative: string) => relative !== "skip";

test("a root that cannot be read is refused, a rule keeps what is below from being looked at", async () => {
  expect(walkLocal(folder.at("none"), { signal })).rejects.toThrow(refusal("NO_LOCAL_FILE"));
  fs.mkdirSync(folder.at("w/skip/x"), { recursive: true });
  const tree = await walkLocal(folder.at("w"), { signal, isWanted: isNotSkip });

  expect([tree.entries, [...tree.guarded]]).toEqual([[], [""]]);
});

test("a walk that is not wanted any more ends", () => {
  const aborted = AbortSignal.abort();

  fs.mkdirSync(folder.at("i/x"), { recursive: true });
  expect(walkLocal(folder.at("i"), { signal: aborted })).rejects.toThrow(refusal("INTERRUPTED"));
});

test("a queue works on so many at once, on what is added too, and ends with the first failure", async () => {
  const done: number[] = [];
  let activeCount = 0;
  let mostCount = 0;
  await workThrough([1, 2, 3, 4, 5], 2, async (item, add) => {
    activeCount += 1;
    mostCount = Math.max(mostCount, activeCount);
    await Promise.resolve();
    activeCount -= 1;
    if (item < 3) add(item + 10);
    done.push(item);
  });

  expect([done.toSorted((a, b) => a - b), mostCount]).toEqual([[1, 2, 3, 4, 5, 11, 12], 2]);
  await workThrough([], 2, async () => {});
  const failing = workThrough([1, 2], 1, () => Promise.reject(new Error("no")));
  expect(failing).rejects.toThrow("no");
});
