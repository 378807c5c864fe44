import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { NAME_BYTES_MAX } from "../../src/base/limits.ts";
import { nameBytes, parsePath } from "../../src/base/path.ts";
import type { VirtualPath } from "../../src/base/path.ts";
import { mayUse } from "../../src/base/ways.ts";
import { bestWay, openJail } from "../../src/store/jail.ts";
import type { Jail } from "../../src/store/jail.ts";
import { loadKernel } from "../../src/store/kernel.ts";
import { Directory } from "../../src/store/location.ts";
import {
  WAYS,
  makeScratchDir,
  openScratch,
  outcomeOf,
  put,
  randomOf,
  read,
  removeTree,
  snapshot,
} from "./scratch.ts";
import { refusal } from "../support/refusal.ts";

const PATHS = Number(process.env["FTPX_PATHS"] ?? 200_000);
const TREE_DEPTH = 3;

/** By real paths every step of a deep path is as long as the path. */
const ANCHORED_WAYS = WAYS.filter((way) => way !== "path");

/** Names that once meant something else to somebody than to the file system. */
const NAMES = ["a", "b", "\\", "%2e%2e", "\uff0e\uff0e", "..;", "a.", "a ", "\u{10fec0}\u{10feae}"];

test.skipIf(process.platform !== "linux" || !mayUse("openat2") || !mayUse("descriptor-paths"))(
  "the kernel's own way is there on Linux",
  () => {
    expect(bestWay()).toBe("kernel");
  },
);

test.skipIf(loadKernel() === undefined)(
  `P1 parsePath, an oracle and openat2 agree on ${PATHS} paths`,
  () => {
    const dir = makeScratchDir();
    const inodes = growTree(dir);
    const root = fs.openSync(dir, fs.constants.O_DIRECTORY);
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = randomOf(seed);
    const counts = { inside: 0, outside: 0, deeper: 0 };
    for (let index = 0; index < PATHS; index += 1) {
      const text = randomPath(random);
      const expected = oracle(text);
      const said = parsed(text);
      const opened = openedInode(root, text);
      const isDeeper = opened === "ENOENT" && deepest(text) > TREE_DEPTH;

      const isOneMind =
        said === expected &&
        (isDeeper || opened === (expected === undefined ? "EXDEV" : inodes.get(expected)));
      if (!isOneMind)
        throw new Error(`seed ${seed}: ${JSON.stringify({ text, expected, said, opened })}`);
      counts[isDeeper ? "deeper" : expected === undefined ? "outside" : "inside"] += 1;
    }
    fs.closeSync(root);
    fs.rmSync(dir, { recursive: true });

    // The comparison is worth something only when each case is frequent.
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(PATHS / 50);
  },
  60_000 + PATHS / 50,
);

test.each([...WAYS])("P1 a jail by %s opens what parsePath names, and only that", async (way) => {
  const dir = makeScratchDir();
  const inodes = growTree(dir);
  using home = await Directory.open(dir, way !== "path");
  const jail = openJail(home, way);
  const random = randomOf(1);
  for (let index = 0; index < 1_000; index += 1) {
    const text = randomPath(random);
    const path = parsed(text);
    if (path === undefined) continue;
    let found: number | undefined;
    const outcome = await outcomeOf(
      inodeOf(jail, path as VirtualPath).then((inode) => (found = inode)),
    );
    expect(outcome).toBe(inodes.has(path) ? "done" : "NO_SUCH_PATH");
    expect(found).toBe(inodes.get(path));
  }
  fs.rmSync(dir, { recursive: true });
});

test.each(
  WAYS.flatMap((way) =>
    [
      ["/../alice/x", "OUTSIDE_HOME"],
      ["/../alice", "OUTSIDE_HOME"],
      ["/..", "OUTSIDE_HOME"],
      ["/d/../../alice/x", "OUTSIDE_HOME"],
      ["/../.ftpx/parts/p", "OUTSIDE_HOME"],
      ["/d\0/x", "BAD_PATH"],
      ["/f\0", "BAD_PATH"],
      ["/\0", "BAD_PATH"],
    ].map(([path = "", kind = ""]) => [way, path, kind] as const),
  ),
)(
  "P2 P10 a jail by %s refuses %j even from a caller that has not asked parsePath",
  async (way, text, kind) => {
    const { store, home, homeDir, dir, close } = await openScratch({ way });
    const path = text as VirtualPath;
    await (await store.openHome("alice")).close();
    fs.mkdirSync(join(homeDir, "d"));
    fs.writeFileSync(join(homeDir, "f"), "f");
    fs.writeFileSync(join(dir, "storage/alice/x"), "of alice");
    const before = snapshot(dir);

    expect(() => parsePath(text)).toThrow(refusal(kind === "BAD_PATH" ? kind : "OUTSIDE_HOME"));
    for (const work of [
      () => home.facts(path),
      () => home.list(path),
      () => home.openFile(path),
      () => home.makeDir(path),
      () => home.removeFile(path),
      () => home.removeDir(path),
      () => home.removeTree(path, () => Promise.resolve()),
      () => home.move(path, parsePath("/n")),
      () => home.move(parsePath("/f"), path),
      () => home.publish("p", path),
    ]) {
      expect(await outcomeOf(work())).toBe(kind);
    }
    expect(snapshot(dir)).toEqual(before);
    await close();
  },
);

test.skipIf(loadKernel() === undefined)(
  "P10 the kernel is never asked for a name with a NUL or a path that is too long",
  () => {
    const kernel = loadKernel();
    const open = (path: string) => () => kernel?.openBeneath(0, Buffer.from(path), 0);

    expect(open("a\0b")).toThrow(refusal("BAD_PATH"));
    expect(open("a".repeat(4_096))).toThrow("ENAMETOOLONG");
  },
);

test.each([...WAYS])("P10 names of %s may have every length up to the limit", async (way) => {
  const { store, home, close } = await openScratch({ way });
  for (const name of ["x".repeat(NAME_BYTES_MAX), `${"é".repeat(127)}x`, "\u{1f600}".repeat(63)]) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(NAME_BYTES_MAX);
    await put(store, home, `/${name}`, name);
    expect(await read(home, `/${name}`)).toBe(name);
    expect(() => parsePath(`/${name}xxxx`)).toThrow(refusal("NAME_TOO_LONG"));
  }
  await close();
});

test.each([...ANCHORED_WAYS])(
  "P10 a path 2,000 names deep works by %s",
  async (way) => {
    const { store, home, homeDir, close } = await openScratch({ way });
    const deep = "/d".repeat(1_999);
    // In three steps, because a real path must stay below PATH_MAX.
    const third = "d/".repeat(667).slice(0, -1);
    fs.mkdirSync(join(homeDir, third), { recursive: true });
    const fd = fs.openSync(join(homeDir, third), fs.constants.O_DIRECTORY);
    fs.mkdirSync(`/proc/self/fd/${fd}/${third}/${"d/".repeat(665)}`, { recursive: true });
    fs.closeSync(fd);

    await put(store, home, `${deep}/f`, "deep");
    expect(await read(home, `${deep}/f`)).toBe("deep");
    expect(await removeTree(home, "/d")).toEqual({ bytes: 4, files: 2_000 });
    await close();
  },
  60_000,
);

async function inodeOf(jail: Jail, path: VirtualPath): Promise<number> {
  using directory = await jail.openDirectory(path);
  return Number((await directory.facts()).inode);
}

/** All paths of NAMES down to TREE_DEPTH, each with its inode. */
function growTree(dir: string): Map<string, number> {
  const inodes = new Map([["/", fs.statSync(dir).ino]]);
  const grow = (path: string, levels: number): void => {
    for (const name of levels === 0 ? [] : NAMES) {
      const child = `${path}/${name}`;
      const real = Buffer.concat([Buffer.from(dir), nameBytes(child)]);
      fs.mkdirSync(real);
      inodes.set(child, fs.statSync(real).ino);
      grow(child, levels - 1);
    }
  };
  grow("", TREE_DEPTH);
  return inodes;
}

function randomPath(random: () => number): string {
  const parts = Array.from({ length: 1 + Math.floor(random() * 12) }, () => {
    const kind = random();
    if (kind < 0.45) return "..";
    if (kind < 0.5) return ".";
    if (kind < 0.55) return "";
    return NAMES[Math.floor(random() * NAMES.length)];
  });
  return `/${parts.join("/")}`;
}

/** What a path means; undefined when it leaves the home at any moment. */
function oracle(text: string): string | undefined {
  let names: string[] = [];
  for (const part of text.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") {
      names = [...names, part];
    } else {
      if (names.length === 0) return undefined;
      names = names.slice(0, -1);
    }
  }
  return `/${names.join("/")}`;
}

/** How deep a path goes on its way, wherever it ends. */
function deepest(text: string): number {
  let [depth, most] = [0, 0];
  for (const part of text.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    most = Math.max(most, depth);
  }
  return most;
}

function parsed(text: string): string | undefined {
  try {
    return parsePath(text);
  } catch {
    return undefined;
  }
}

/** What the kernel makes of a path as it was written: an inode, or an errno's name. */
function openedInode(root: number, text: string): number | string | undefined {
  try {
    const path = nameBytes(text.replace(/^\/+/u, "") || ".");
    const fd = loadKernel()?.openBeneath(root, path, fs.constants.O_DIRECTORY) ?? -1;
    const { ino } = fs.fstatSync(fd);
    fs.closeSync(fd);
    return ino;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
