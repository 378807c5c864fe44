/**
 * What lies in a home, as a map from path to what is there: a step of a script says what
 * the map is after it, and the disk says what it is.
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "./invariant.ts";

/** From path to `directory`, or to the SHA-256 of a file. */
export type Tree = ReadonlyMap<string, string>;

export const DIRECTORY = "directory";

/** Digests by what changes with the content: the large files are read once. */
const digests = new Map<string, string>();

export function readTree(home: string): Tree {
  const found = new Map<string, string>();
  for (const name of readNames(home)) {
    const path = join(home, name);
    const stats = lstatSync(path, { bigint: true });
    if (stats.isDirectory()) {
      found.set(`/${name}`, DIRECTORY);
      continue;
    }
    const version = [stats.dev, stats.ino, stats.size, stats.ctimeNs].join();
    const digest = digests.get(version) ?? sha256Hex(readFileSync(path));
    digests.set(version, digest);
    found.set(`/${name}`, digest);
  }
  return found;
}

/** A home that nobody has entered yet has nothing in it. */
function readNames(home: string): string[] {
  try {
    return readdirSync(home, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
}

export function withEntries(tree: Tree, entries: Readonly<Record<string, string>>): Tree {
  return new Map([...tree, ...Object.entries(entries)]);
}

/** Without a path and all below it. */
export function without(tree: Tree, path: string): Tree {
  return new Map([...tree].filter(([name]) => name !== path && !name.startsWith(`${path}/`)));
}

export function isSameTree(one: Tree, other: Tree): boolean {
  return one.size === other.size && [...one].every(([path, what]) => other.get(path) === what);
}

/** Each path is as in one of them: what is left by work on many paths that was cut off. */
export function isBetween(found: Tree, before: Tree, after: Tree): boolean {
  const paths = new Set([...found.keys(), ...before.keys(), ...after.keys()]);
  return [...paths].every((path) => {
    const what = found.get(path);
    return what === before.get(path) || what === after.get(path);
  });
}

/** What differs, for a person. */
export function describeDifference(found: Tree, expected: Tree): string {
  const paths = new Set([...found.keys(), ...expected.keys()]);
  const lines: string[] = [];
  for (const path of paths) {
    const [is, wanted] = [found.get(path) ?? "nothing", expected.get(path) ?? "nothing"];
    if (is !== wanted)
      lines.push(`${path}: expected ${wanted.slice(0, 12)}, is ${is.slice(0, 12)}`);
  }
  return lines.join("; ");
}
