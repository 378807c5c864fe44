/**
 * Words that are patterns → what they mean, on the server and here. A path that is there as
 * it is written wins over its reading as a pattern, and a pattern that matches nothing is no
 * such path.
 *
 * Only directories that can match are listed, several at once, and each entry looked at
 * counts towards TREE_ENTRIES_MAX.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FtpxError, isKind } from "../base/errors.ts";
import type { ErrorKind } from "../base/errors.ts";
import { parseGlob } from "../base/glob.ts";
import type { Alternative, Segment } from "../base/glob.ts";
import { TREE_ENTRIES_MAX } from "../base/limits.ts";
import { resolvePath, systemPath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { isLeaf } from "../client/leaf.ts";
import { findLocal, localNames } from "../client/localtree.ts";
import { workThrough } from "../client/queue.ts";
import { DIRECTORIES_AT_ONCE, listDirectory } from "../client/remotetree.ts";
import { worstStatus } from "./status.ts";
import { forEach, forEachOf } from "./verbs/failing.ts";
import type { Spot, Stage } from "./verbs/verb.ts";

interface Named {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** One of the two sides, its paths as text. */
interface Side {
  /** None where there is no such directory. */
  list(directory: string): Promise<readonly Named[]>;
  find(path: string): Promise<{ isDirectory: boolean } | undefined>;
  join(directory: string, name: string): string;
}

interface Found {
  readonly path: string;
  /** As a person called it. */
  readonly shown: string;
  readonly isDirectory: boolean;
}

/** Words with what they mean; those that mean nothing have had their line. */
interface Expanded<Item> {
  readonly items: Item[];
  readonly status: number;
}

/** @throws FtpxError what `spot` throws, INTERRUPTED, TREE_TOO_LARGE */
export async function expandSpots(stage: Stage, words: readonly string[]): Promise<Expanded<Spot>> {
  const parts = words.map((word) => ({ word, spot: stage.spot(word) }));
  const items: Spot[] = [];
  const status = await forEach(
    parts,
    ({ spot }) => spot.path,
    async ({ word, spot }) => void items.push(...(await expandSpot(stage, word, spot))),
  );
  return { items, status };
}

/** Does one thing after the other to all that words mean. @returns the worst status */
export async function forEachSpot(
  stage: Stage,
  words: readonly string[],
  work: (spot: Spot) => Promise<void>,
): Promise<number> {
  const { items, status } = await expandSpots(stage, words);
  return worstStatus([status, await forEachOf(stage, items, work)]);
}

/** Paths on this machine. In one-shot use the person's own shell has done it. */
export async function expandLocals(
  stage: Stage,
  words: readonly string[],
): Promise<Expanded<string>> {
  const items: string[] = [];
  const status = await forEach(
    words,
    (word) => stage.local(word),
    async (word) => {
      const pattern = stage.localPattern(word);
      const literal = stage.local(word);
      const isLiteral = pattern === undefined || (await findLocal(literal)) !== undefined;
      if (isLiteral) items.push(literal);
      else items.push(...(await expandLocal(stage, pattern, literal)));
    },
  );
  return { items, status };
}

/**
 * One word that can mean one thing only, which need not be there: a pattern that matches
 * nothing is a name, as in every shell.
 *
 * @throws FtpxError USAGE
 */
export async function expandOne(stage: Stage, word: string): Promise<Spot> {
  const spot = stage.spot(word);
  const found = await unlessThere(expandSpot(stage, word, spot));
  const [only = spot, ...more] = found ?? [];
  if (more.length === 0) return only;
  throw new FtpxError("USAGE", { reason: `${spot.shown} means ${more.length + 1} things here` });
}

async function expandSpot(stage: Stage, word: string, literal: Spot): Promise<Spot[]> {
  const pattern = stage.remotePattern(word);
  if (pattern === undefined || (await isThere(stage, literal.path))) return [literal];
  const side = remoteSide(stage);
  const baseOf = (head: string) => (head === "" ? stage.spot("./") : stage.spot(head)).path;
  const found = await expand(pattern, baseOf, side);
  if (found.length === 0) throw new FtpxError("NO_SUCH_PATH", { path: literal.shown });
  return found.map(({ path, shown, isDirectory }) => ({
    path: path as VirtualPath,
    shown,
    isDirectory,
  }));
}

/** An account that may not look has no patterns. @throws FtpxError CONNECTION_LOST, … */
async function isThere(stage: Stage, path: VirtualPath): Promise<boolean> {
  try {
    await stage.remote.call("stat", { path }, stage.signal);
    return true;
  } catch (error) {
    if (isKind(error, "FORBIDDEN")) return true;
    if (isKind(error, "NO_SUCH_PATH", "NOT_A_DIRECTORY")) return false;
    throw error;
  }
}

async function expandLocal(stage: Stage, pattern: string, written: string): Promise<string[]> {
  const baseOf = (head: string) => (head === "" ? "." : stage.local(head));
  const found = await expand(pattern, baseOf, LOCAL_SIDE);
  if (found.length === 0) throw new FtpxError("NO_LOCAL_FILE", { path: written });
  return found.map(({ path }) => path);
}

/** What a pattern matches, each thing once: alternatives in their order, names in theirs. */
async function expand(
  pattern: string,
  baseOf: (head: string) => string,
  side: Side,
): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const alternative of parseGlob(pattern)) {
    for (const one of await expandAlternative(alternative, baseOf, side)) {
      if (!found.has(one.path)) found.set(one.path, one);
    }
  }
  return [...found.values()];
}

async function expandAlternative(
  { segments, isAbsolute, isDirectory }: Alternative,
  baseOf: (head: string) => string,
  side: Side,
): Promise<Found[]> {
  const firstSpecial = segments.findIndex(({ literal }) => literal === undefined);
  const headCount = firstSpecial < 0 ? Math.max(0, segments.length - 1) : firstSpecial;
  const names = segments.slice(0, headCount).map(({ literal }) => `${literal ?? ""}/`);
  const head = (isAbsolute ? "/" : "") + names.join("");
  let level: Found[] = [{ path: baseOf(head), shown: head, isDirectory: true }];
  const rest = segments.slice(headCount);
  const search = new Search(side);
  for (const [index, segment] of rest.entries()) {
    const isLast = index === rest.length - 1;
    const found = await search.step(level, segment, isLast);
    level = found.filter((one) => one.isDirectory || (isLast && !isDirectory));
  }
  return level.map((one) => ({ ...one, isDirectory }));
}

class Search {
  readonly #side: Side;
  #seenCount = 0;

  constructor(side: Side) {
    this.#side = side;
  }

  /** What one name of the pattern leads to, from all places that the names before led to. */
  async step(level: readonly Found[], segment: Segment, isLast: boolean): Promise<Found[]> {
    const found: Found[] = [];
    await workThrough(level, DIRECTORIES_AT_ONCE, async (from, add) => {
      if (segment.literal !== undefined) {
        const there = await this.#find(from, segment.literal);
        if (there !== undefined) found.push(there);
        return;
      }
      // Before a name, `**` also stands for no directory at all.
      if (segment.isDeep && !isLast) found.push(from);
      for (const one of await this.#list(from)) {
        const { name } = one;
        if (segment.isDeep && !name.startsWith(".")) {
          if (one.isDirectory) add(one);
          if (isLast) found.push(one);
        } else if (!segment.isDeep && segment.matches(name)) found.push(one);
      }
    });
    return found.toSorted((a, b) => (a.shown < b.shown ? -1 : 1));
  }

  async #find(from: Found, name: string): Promise<Found | undefined> {
    const path = this.#side.join(from.path, name);
    const there = await this.#side.find(path);
    if (there === undefined) return undefined;
    return { path, shown: shownIn(from, name), isDirectory: there.isDirectory };
  }

  async #list(from: Found): Promise<(Found & Named)[]> {
    const entries = await this.#side.list(from.path);
    this.#seenCount += entries.length;
    if (this.#seenCount > TREE_ENTRIES_MAX) {
      throw new FtpxError("TREE_TOO_LARGE", { limit: TREE_ENTRIES_MAX });
    }
    return entries.map(({ name, isDirectory }) => ({
      name,
      path: this.#side.join(from.path, name),
      shown: shownIn(from, name),
      isDirectory,
    }));
  }
}

function shownIn({ shown }: Found, name: string): string {
  return shown === "" || shown.endsWith("/") ? `${shown}${name}` : `${shown}/${name}`;
}

/** What is not there any more, or no directory, holds nothing. */
const NOTHING_THERE = ["NO_SUCH_PATH", "NOT_A_DIRECTORY"] as const;
const NOTHING_HERE = ["NO_LOCAL_FILE", "LOCAL_PATH", "LOCAL_IO", "NO_PERMISSION"] as const;

function remoteSide({ remote, signal }: Stage): Side {
  return {
    list: async (directory) => {
      const path = directory as VirtualPath;
      const entries = await unlessThere(listDirectory(remote, path, signal));
      const named = (entries ?? []).filter(({ name }) => isLeaf(name));
      return named.map(({ name, kind }) => ({ name, isDirectory: kind === "directory" }));
    },
    find: async (path) => {
      const asked = remote.call("stat", { path: path as VirtualPath }, signal);
      const facts = await unlessThere(asked);
      return facts === undefined ? undefined : { isDirectory: facts.kind === "directory" };
    },
    join: (directory, name) => resolvePath(directory as VirtualPath, `./${name}`),
  };
}

const LOCAL_SIDE: Side = {
  list: async (directory) => {
    const names = (await unlessThere(localNames(directory), NOTHING_HERE)) ?? [];
    const found: Named[] = [];
    await workThrough(names, DIRECTORIES_AT_ONCE, async (name) => {
      found.push({ name, isDirectory: await isLocalDirectory(join(directory, name)) });
    });
    return found;
  },
  find: async (path) => {
    const there = await findLocal(path);
    return there === undefined ? undefined : { isDirectory: await isLocalDirectory(path) };
  },
  join: (directory, name) => (directory === "." ? name : join(directory, name)),
};

/** A link to one is one, as for every shell. */
async function isLocalDirectory(path: string): Promise<boolean> {
  const stats = await stat(systemPath(path)).catch(() => undefined);
  return stats?.isDirectory() === true;
}

async function unlessThere<Value>(
  work: Promise<Value>,
  kinds: readonly ErrorKind[] = NOTHING_THERE,
): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isKind(error, ...kinds)) return undefined;
    throw error;
  }
}
