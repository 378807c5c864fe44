/**
 * What every store says about what it removed, replaced and holds: the quota's ledger
 * lives on these answers, so every byte and every entry is told exactly once.
 */
import { expect, test } from "bun:test";
import { HOME, parsePath } from "../../src/base/path.ts";
import type { Usage } from "../../src/store/store.ts";
import {
  NOTHING,
  growTree,
  namesIn,
  outcomeOf,
  put,
  randomOf,
  removeTree,
  sum,
} from "../store/scratch.ts";
import type { Opened } from "./store.ts";

export function usageContract(name: string, at: Opened): void {
  testRemoving(name, at);
  testMoving(name, at);
  testCounting(name, at);
}

function testRemoving(name: string, at: Opened): void {
  test(`${name}: removeFile and removeDir answer what went`, async () => {
    await at.home.makeDir(parsePath("/d"));
    await put(at.store, at.home, "/d/f", "12345");

    expect(await outcomeOf(at.home.removeFile(parsePath("/d")))).toBe("IS_A_DIRECTORY");
    expect(await outcomeOf(at.home.removeFile(HOME))).toBe("IS_A_DIRECTORY");
    expect(await outcomeOf(at.home.removeDir(parsePath("/d")))).toBe("NOT_EMPTY");
    expect(await outcomeOf(at.home.removeDir(parsePath("/d/f")))).toBe("NOT_A_DIRECTORY");
    expect(await outcomeOf(at.home.removeDir(HOME))).toBe("FORBIDDEN");
    expect(await at.home.removeFile(parsePath("/d/f"))).toEqual({ bytes: 5, files: 1 });
    expect(await at.home.removeDir(parsePath("/d"))).toEqual({ bytes: 0, files: 1 });
    expect(await outcomeOf(at.home.removeFile(parsePath("/d/f")))).toBe("NO_SUCH_PATH");
    expect(await outcomeOf(at.home.removeDir(parsePath("/d")))).toBe("NO_SUCH_PATH");
  });

  test(`${name}: removeTree removes all below and tells it in batches`, async () => {
    const before = await growTree(at, 3, 4);
    const usages: Usage[] = [];
    await put(at.store, at.home, "/bystander", "x");
    await at.home.removeTree(parsePath("/t"), async (usage) => void usages.push(usage));

    expect(sum(usages)).toEqual(before);
    expect(usages.every((usage) => usage.files > 0)).toBe(true);
    expect(await namesIn(at.home, "/")).toEqual(["bystander"]);
  });

  test(`${name}: removeTree takes directories only, and never the home`, async () => {
    await put(at.store, at.home, "/f", "x");

    expect(await outcomeOf(removeTree(at.home, "/f"))).toBe("NOT_A_DIRECTORY");
    expect(await outcomeOf(removeTree(at.home, "/no"))).toBe("NO_SUCH_PATH");
    expect(await outcomeOf(removeTree(at.home, "/"))).toBe("FORBIDDEN");
    expect(await at.home.measure()).toEqual({ bytes: 1, files: 1 });
  });

  test(`${name}: two removeTree at once report every entry once`, async () => {
    const before = await growTree(at, 3, 4);
    const usages: Usage[] = [];
    const removed = async (usage: Usage) => void usages.push(usage);
    const both = [1, 2].map(() => outcomeOf(at.home.removeTree(parsePath("/t"), removed)));

    // The slower one may find the faster one's directories in any state but a wrong one.
    for (const outcome of await Promise.all(both)) {
      expect(["done", "NO_SUCH_PATH", "CHANGED"]).toContain(outcome);
    }
    expect(sum([...usages, await at.home.measure()])).toEqual(before);
  });

  test(`${name}: removeHome removes a home with all it holds, or none`, async () => {
    await growTree(at, 2, 3);
    await at.store.removeHome("al");
    await at.store.removeHome("al");
    await at.store.removeHome("nobody");
    await at.home.close();
    at.home = await at.store.openHome("al");

    expect(await at.home.measure()).toEqual(NOTHING);
  });
}

function testMoving(name: string, at: Opened): void {
  test.each([
    ["a file to a free name", "/f", "/n", "done", 0],
    ["a file into a directory", "/f", "/e/f", "done", 0],
    ["a file over a file", "/f", "/g", "done", 1],
    ["a file onto itself", "/f", "/f", "done", 0],
    ["a directory to a free name", "/d", "/n", "done", 0],
    ["a directory onto itself", "/d", "/d", "done", 0],
    ["a directory over a file", "/d", "/f", "EXISTS", 0],
    ["a directory over an empty directory", "/d", "/e", "EXISTS", 0],
    ["a file over a directory", "/f", "/e", "EXISTS", 0],
    ["a directory into itself", "/d", "/d/n", "BAD_PATH", 0],
    ["a directory over what it holds", "/d", "/d/f", "BAD_PATH", 0],
    ["a file below itself", "/f", "/f/n", "NOT_A_DIRECTORY", 0],
    ["what is not there", "/no", "/n", "NO_SUCH_PATH", 0],
    ["what is not there onto itself", "/no", "/no", "NO_SUCH_PATH", 0],
    ["a file to where no directory is", "/f", "/no/n", "NO_SUCH_PATH", 0],
    ["the home", "/", "/n", "FORBIDDEN", 0],
    ["a file over the home", "/f", "/", "FORBIDDEN", 0],
  ])(`${name}: move of %s (%s to %s): %s`, async (_case, from, to, outcome, filesReplaced) => {
    await at.home.makeDir(parsePath("/d"));
    await at.home.makeDir(parsePath("/e"));
    for (const path of ["/f", "/g", "/d/f"]) await put(at.store, at.home, path, `of ${path}`);
    const before = await at.home.measure();
    const moving = at.home.move(parsePath(from), parsePath(to));

    expect(await outcomeOf(moving)).toBe(outcome);
    const replaced = outcome === "done" ? await moving : NOTHING;
    expect(replaced.files).toBe(filesReplaced);
    expect(sum([await at.home.measure(), replaced])).toEqual(before);
  });
}

function testCounting(name: string, at: Opened): void {
  test(`${name}: Q1 publishes at once to one path report every byte once`, async () => {
    const sizes = Array.from({ length: 40 }, (_unused, index) => index + 1);
    const other = await at.store.openHome("al");
    const replaced = await Promise.all(
      sizes.map((bytes) =>
        put(at.store, bytes % 2 === 0 ? at.home : other, "/f", "x".repeat(bytes)),
      ),
    );
    await other.close();

    const usage = await at.home.measure();
    expect(usage.files).toBe(1);
    expect(sum([...replaced, usage])).toEqual({
      bytes: sizes.reduce((a, b) => a + b),
      files: sizes.length,
    });
  });

  test(`${name}: what a random session reports adds up to what is there`, async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = randomOf(seed);
    let used = NOTHING;
    const steps: string[] = [];
    for (let step = 0; step < 300; step += 1)
      used = sum([used, await randomStep(at, random, steps)]);

    const context = `seed ${seed}: ${steps.join(" ")}`;
    expect({ ...(await at.home.measure()), context }).toEqual({ ...used, context });
  });
}

function minus({ bytes, files }: Usage): Usage {
  return { bytes: -bytes, files: -files };
}

/** Does something to one of a few paths and answers the change of usage that it reports. */
async function randomStep(at: Opened, random: () => number, steps: string[]): Promise<Usage> {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  const path = () => `/${pick(["a", "b", "c"])}${pick(["", "/a", "/b"])}${pick(["", "", "/a"])}`;
  const [verb, target, other] = [pick(["put", "dir", "rm", "rmdir", "tree", "mv"]), path(), path()];
  const gone: Usage[] = [];
  steps.push(`${verb} ${target} ${other};`);
  const work = async (): Promise<Usage> => {
    const bytes = Math.floor(random() * 50);
    if (verb === "put") {
      const replaced = await put(at.store, at.home, target, "x".repeat(bytes));
      return sum([{ bytes, files: 1 }, minus(replaced)]);
    }
    if (verb === "rm") return minus(await at.home.removeFile(parsePath(target)));
    if (verb === "rmdir") return minus(await at.home.removeDir(parsePath(target)));
    if (verb === "mv") return minus(await at.home.move(parsePath(target), parsePath(other)));
    if (verb === "tree") {
      await at.home.removeTree(parsePath(target), async (usage) => void gone.push(usage));
      return NOTHING;
    }
    await at.home.makeDir(parsePath(target));
    return { bytes: 0, files: 1 };
  };
  const change = { value: NOTHING };
  await outcomeOf(work().then((value) => (change.value = value)));
  return sum([change.value, minus(sum(gone))]);
}
