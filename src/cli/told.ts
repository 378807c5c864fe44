/** What clients were told is stored, from a log of it, compared with what there is. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { chunksOf, composeDigest, formatDigest, isAlgorithm } from "../base/digest.ts";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import { parsePath } from "../base/path.ts";
import { Digests } from "../store/digests.ts";
import { openDiskStore } from "../store/disk.ts";
import type { Store } from "../store/store.ts";
import type { Place } from "./place.ts";
import { Retelling } from "./retelling.ts";

/** A file that is not what any client was told. */
export interface Differing {
  readonly kind: "content";
  readonly user: string;
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  readonly isFixed: false;
}

/** A file that a client was told is stored, and that nobody was told is gone. */
export interface Missing {
  readonly kind: "missing";
  readonly user: string;
  readonly path: string;
  readonly expected: string;
  readonly isFixed: false;
}

/**
 * Lines of JSON with user, path and digest, or the audit log; others are left out.
 *
 * @throws FtpxError USAGE when it tells of no upload; NO_SUCH_PATH, …
 */
export async function readTold(file: string): Promise<Retelling> {
  const told = new Retelling();
  const input = createReadStream(file, { encoding: "utf8" });
  try {
    for await (const line of createInterface({ input })) told.read(line);
  } catch (error) {
    throw withPath(errorOfSystem(error), file);
  }
  // Nothing to compare is not the same as nothing wrong.
  if (told.lineCount === 0) {
    throw new FtpxError("USAGE", { reason: `${file} holds no digest of any upload` });
  }
  return told;
}

export interface Comparison {
  readonly findings: readonly (Differing | Missing)[];
  /** Files told of. */
  readonly toldCount: number;
  /** Those of them that are not there, whether that is a finding or was to be expected. */
  readonly missingCount: number;
}

/** Those of what the log tells that are not so. */
export async function compareTold(
  place: Place,
  told: Retelling,
  file: string,
): Promise<Comparison> {
  const findings: (Differing | Missing)[] = [];
  const store = await openDiskStore(place.storage);
  const hasher = new Digests();
  let toldCount = 0;
  let missingCount = 0;
  try {
    // A log outlives accounts, and opening a home that is not there would make it.
    const homes = new Set(await place.homes());
    for (const { user, path, digests, isCertain } of told.files()) {
      toldCount += 1;
      const expected = digests.at(-1) ?? "";
      const isThere = homes.has(user);
      const found = isThere ? await digestOf(store, hasher, user, path, expected) : undefined;
      if (found === undefined) {
        missingCount += 1;
        if (isCertain) findings.push({ kind: "missing", user, path, expected, isFixed: false });
      } else if (!digests.includes(found)) {
        findings.push({ kind: "content", user, path, expected, found, isFixed: false });
      }
    }
  } finally {
    await hasher.close();
    await store.close();
  }
  return { findings: await stillFound(findings, file), toldCount, missingCount };
}

/** Reads the log again for what is missing: it may have been removed since it was read. */
async function stillFound(
  findings: readonly (Differing | Missing)[],
  file: string,
): Promise<readonly (Differing | Missing)[]> {
  if (findings.every(({ kind }) => kind === "content")) return findings;
  const certain = new Set<string>();
  for (const { user, path, isCertain } of (await readTold(file)).files()) {
    if (isCertain) certain.add(`${user}${path}`);
  }
  return findings.filter(
    ({ kind, user, path }) => kind === "content" || certain.has(`${user}${path}`),
  );
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
