/**
 * What clients were told is stored, from a log of uploads, compared with what there is.
 *
 * A path may have been uploaded many times, and the last upload may not have been told of:
 * any digest that was told for the path is right.
 */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { isUserName } from "../accounts/account.ts";
import { chunksOf, composeDigest, formatDigest, isAlgorithm } from "../base/digest.ts";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import { parsePath } from "../base/path.ts";
import { Digests } from "../store/digests.ts";
import { openDiskStore } from "../store/disk.ts";
import type { Store } from "../store/store.ts";
import type { Place } from "./place.ts";

/** A file that is not what any client was told. */
export interface Differing {
  readonly kind: "content";
  readonly user: string;
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  readonly isFixed: false;
}

/** By user and path: the digests that clients were told for it. */
export type ToldDigests = ReadonlyMap<string, { user: string; path: string; digests: string[] }>;

export const NOTHING_TOLD: ToldDigests = new Map();

/**
 * Lines of JSON with user, path and digest, as uploads in the audit log; others are left out.
 *
 * @throws FtpxError USAGE when there are no such lines; NO_SUCH_PATH, …
 */
export async function readTold(file: string): Promise<ToldDigests> {
  const told = new Map<string, { user: string; path: string; digests: string[] }>();
  const input = createReadStream(file, { encoding: "utf8" });
  try {
    for await (const line of createInterface({ input })) {
      const { user, path, digest } = parseTold(line);
      if (user === "" || path === "" || digest === "") continue;
      const key = `${user}${path}`;
      const entry = told.get(key) ?? { user, path, digests: [] };
      told.set(key, entry);
      entry.digests.push(digest);
    }
  } catch (error) {
    throw withPath(errorOfSystem(error), file);
  }
  // Nothing to compare is not the same as nothing wrong.
  if (told.size === 0) {
    throw new FtpxError("USAGE", { reason: `${file} holds no digest of any upload` });
  }
  return told;
}

function parseTold(line: string): { user: string; path: string; digest: string } {
  let fields: Record<string, unknown> | null = null;
  try {
    fields = JSON.parse(line) as Record<string, unknown> | null;
  } catch {
    // The last line of a log can be half of one.
  }
  const isUpload = fields?.["direction"] !== "download";
  const text = (name: string) => {
    const value = isUpload ? fields?.[name] : undefined;
    return typeof value === "string" ? value : "";
  };
  return { user: text("user"), path: text("path"), digest: text("digest") };
}

/**
 * Files may have been removed or renamed since: their number is answered too, and is no
 * mistake of anybody's.
 */
export async function compareTold(
  place: Place,
  told: ToldDigests,
): Promise<{ differing: Differing[]; missing: number }> {
  const differing: Differing[] = [];
  if (told.size === 0) return { differing, missing: 0 };
  const store = await openDiskStore(place.storage);
  const hasher = new Digests();
  let missing = 0;
  try {
    // A log outlives accounts, and opening a home that is not there would make it.
    const homes = new Set((await readdir(place.storage)).filter(isUserName));
    for (const { user, path, digests } of told.values()) {
      const expected = digests.at(-1) ?? "";
      const isThere = homes.has(user);
      const found = isThere ? await digestOf(store, hasher, user, path, expected) : undefined;
      if (found === undefined) missing += 1;
      else if (!digests.includes(found)) {
        differing.push({ kind: "content", user, path, expected, found, isFixed: false });
      }
    }
  } finally {
    await hasher.close();
    await store.close();
  }
  return { differing, missing };
}

/** In the algorithm, and of the composition, of the digest that is expected. */
async function digestOf(
  store: Store,
  digests: Digests,
  user: string,
  path: string,
  expected: string,
): Promise<string | undefined> {
  const algorithm = expected.slice(0, expected.indexOf(":"));
  if (!isAlgorithm(algorithm)) return undefined;
  const home = await store.openHome(user);
  try {
    const file = await home.openFile(parsePath(path));
    try {
      const { bytes: totalBytes } = await file.facts();
      const chunks = await digests.chunks(file, algorithm, 0, chunksOf(totalBytes));
      return formatDigest(await composeDigest(algorithm, chunks));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isKind(error, "NO_SUCH_PATH", "NOT_A_DIRECTORY", "IS_A_DIRECTORY")) return undefined;
    throw error;
  } finally {
    await home.close();
  }
}
