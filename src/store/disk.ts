/**
 * The store in a local directory.
 *
 *   STORAGE/NAME           home of the account NAME
 *   STORAGE/.ftpx/         the server's own; no account's name begins with a dot
 *   STORAGE/.ftpx/parts/   unfinished uploads, on the same file system as every home
 *
 * Files are private to the server's user: directories 0700, files 0600. A umask can
 * only take away from that, and one that takes from the owner is refused at the start.
 */
import fs from "node:fs";
import { resolve } from "node:path";
import { makeDirectories } from "../base/directories.ts";
import { Crossing } from "../base/crossing.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import type { FileFacts } from "../base/openfile.ts";
import { systemChanges } from "./changes.ts";
import type { Changes } from "./changes.ts";
import { DiskHome } from "./home.ts";
import { bestWay, openJail } from "./jail.ts";
import type { Way } from "./jail.ts";
import { loadKernel } from "./kernel.ts";
import { Directory, Location, settled } from "./location.ts";
import { DiskParts } from "./parts.ts";
import { mayFold } from "./spelling.ts";
import type { Home, Store } from "./store.ts";
import { removeTree } from "./tree.ts";

export interface DiskOptions {
  /** How paths are resolved; the best that the system has unless given. */
  readonly way?: Way;
  /** Stands in for the system calls that change directories. */
  readonly changes?: (system: Changes) => Changes;
}

const OWN = ".ftpx";
const PARTS = "parts";
const PRIVATE_MODE = 0o700;

/** The account layer's rule for names: nothing else may become the name of a home. */
const USER = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/**
 * Opens the store, making its directories when they are missing.
 *
 * @throws FtpxError BAD_CONFIG, NO_PERMISSION
 */
export async function openDiskStore(storageDir: string, options: DiskOptions = {}): Promise<Store> {
  if ((process.umask() & PRIVATE_MODE) !== 0) {
    throw new FtpxError("BAD_CONFIG", { reason: "the umask takes rights from the owner of files" });
  }
  const way = options.way ?? bestWay();
  const partsDir = `${storageDir}/${OWN}/${PARTS}`;
  await settled(makeDirectories(resolve(partsDir), PRIVATE_MODE));
  await settled(fs.promises.chmod(`${storageDir}/${OWN}`, PRIVATE_MODE));

  const storage = await Directory.open(storageDir, way !== "path");
  try {
    const parts = await openParts(storage);
    const isFolding = await mayFold(storage, OWN);
    return new DiskStore(storage, parts, { ...options, way, isFolding });
  } catch (error) {
    storage.close();
    throw error;
  }
}

class DiskStore implements Store {
  readonly parts: DiskParts;
  readonly #storage: Directory;
  readonly #partsDirectory: Directory;
  readonly #way: Way;
  readonly #isFolding: boolean;
  readonly #changes: Changes;
  /** By account, because a home may be open more than once. */
  readonly #lanes = new Map<string, Crossing>();

  constructor(
    storage: Directory,
    parts: Directory,
    { way, changes, isFolding }: DiskOptions & { way: Way; isFolding: boolean },
  ) {
    const system = systemChanges(way === "kernel" ? loadKernel() : undefined);
    this.#storage = storage;
    this.#partsDirectory = parts;
    this.#way = way;
    this.#isFolding = isFolding;
    this.#changes = changes === undefined ? system : changes(system);
    this.parts = new DiskParts(parts, this.#changes);
  }

  async openHome(user: string): Promise<Home> {
    const directory = await this.#openOrMake(this.#at(user));
    try {
      const parts = await this.#partsDirectory.facts();
      refuseOtherDevice(`the home of ${user}`, await directory.facts(), parts);
      return new DiskHome(directory, {
        jail: openJail(directory, this.#way),
        parts: this.parts,
        changes: this.#changes,
        isFolding: this.#isFolding,
        lane: this.#laneOf(user),
      });
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  async hasHome(user: string): Promise<boolean> {
    return (await this.#at(user).find()) !== undefined;
  }

  async removeHome(user: string): Promise<void> {
    const lane = this.#laneOf(user);
    const tools = { changes: this.#changes, lane, removed: hearNothing };
    try {
      await removeTree(this.#at(user), tools);
    } catch (error) {
      if (!isKind(error, "NO_SUCH_PATH")) throw error;
    }
  }

  close(): Promise<void> {
    this.#partsDirectory.close();
    this.#storage.close();
    return Promise.resolve();
  }

  #at(user: string): Location {
    if (!USER.test(user)) throw new Error(`not the name of an account: ${JSON.stringify(user)}`);
    return new Location(this.#storage, Buffer.from(user));
  }

  async #openOrMake(place: Location): Promise<Directory> {
    if ((await place.find()) === undefined) {
      try {
        await settled(this.#changes.makeDir(place));
      } catch (error) {
        if (!isKind(error, "EXISTS")) throw error;
      }
      // Or a power failure could take the home with all that was acknowledged in it.
      await this.#storage.sync();
    }
    return await this.#storage.openChild(place.name);
  }

  #laneOf(user: string): Crossing {
    const lane = this.#lanes.get(user) ?? new Crossing();
    this.#lanes.set(user, lane);
    return lane;
  }
}

/** Uploads end with a rename, which does not work between file systems. */
export function refuseOtherDevice(name: string, directory: FileFacts, parts: FileFacts): void {
  if (directory.device === parts.device) return;
  const reason = `${name} and ${OWN}/${PARTS} are on different file systems`;
  throw new FtpxError("BAD_CONFIG", { reason });
}

/** The account goes, and its usage with it. */
async function hearNothing(): Promise<void> {}

async function openParts(storage: Directory): Promise<Directory> {
  using own = await storage.openChild(Buffer.from(OWN));
  const parts = await own.openChild(Buffer.from(PARTS));
  try {
    refuseOtherDevice("the storage", await storage.facts(), await parts.facts());
    return parts;
  } catch (error) {
    parts.close();
    throw error;
  }
}
