/**
 * What package-lock.json pins: the version and the digest of every package. Whatever becomes
 * a part of a release is compared with it here; that the registry agrees with itself is not
 * enough.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface LockedPackage {
  readonly version: string;
  /** `sha512-` and the digest of the archive in base64. */
  readonly integrity: string;
  readonly license?: string;
}

/** Packages by their place: `node_modules/tsyringe/node_modules/tslib`. */
export type Lock = ReadonlyMap<string, LockedPackage>;

interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export async function readLock(path: string): Promise<Lock> {
  const { packages } = JSON.parse(await readFile(path, "utf8")) as LockFile;
  return new Map(Object.entries(packages).filter(([place]) => place !== ""));
}

/** @throws Error when the lock does not know it. */
export function lockedAt(lock: Lock, place: string): LockedPackage {
  const found = lock.get(place);
  if (found !== undefined) return found;
  throw new Error(`package-lock.json has no ${place}: run npm install`);
}

/** @throws Error when an archive is not the one that the lock pins. */
export function requireIntegrity(archive: Uint8Array, { integrity }: LockedPackage): void {
  const found = `sha512-${new Bun.CryptoHasher("sha512").update(archive).digest("base64")}`;
  if (found !== integrity) throw new Error(`${found} is not ${integrity} of package-lock.json`);
}

/**
 * Compares what npm has unpacked in a folder, of which it keeps a lock file of its own, with
 * the lock: each of them has to be there, in that version, from that archive.
 *
 * @throws Error for the first that differs
 */
export async function requireInstalled(folder: string, lock: Lock): Promise<void> {
  const installed = await readLock(join(folder, "node_modules/.package-lock.json"));
  for (const [place, { version, integrity }] of installed) {
    const pinned = lockedAt(lock, place);
    if (pinned.version !== version || pinned.integrity !== integrity) {
      throw new Error(`${place} ${version} ${integrity} is not what package-lock.json pins`);
    }
  }
}
