/**
 * Unfinished uploads: plain files in a directory that no path of a user reaches. The
 * server alone names them, so an id is checked as a bug would be, not as input.
 */
import fs from "node:fs";
import { isKind } from "../base/errors.ts";
import { OpenFile } from "../base/openfile.ts";
import type { Changes } from "./changes.ts";
import { Names } from "./names.ts";
import { Location, refusalOf, regularOnly, settled } from "./location.ts";
import type { Directory } from "./location.ts";
import type { Parts } from "./store.ts";

const ID = /^[A-Za-z0-9_-]{1,128}$/;

const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDWR } = fs.constants;
const OPEN_FLAGS = O_RDWR | O_NONBLOCK;
const PART_MODE = 0o600;

export class DiskParts implements Parts {
  readonly #directory: Directory;
  readonly #changes: Changes;

  /** @param directory stays the caller's */
  constructor(directory: Directory, changes: Changes) {
    this.#directory = directory;
    this.#changes = changes;
  }

  async create(id: string): Promise<OpenFile> {
    return await OpenFile.openUnlinked(this.at(id).path, OPEN_FLAGS | O_CREAT | O_EXCL, PART_MODE);
  }

  async open(id: string): Promise<OpenFile> {
    return await regularOnly(await this.#open(id));
  }

  async has(id: string): Promise<boolean> {
    return (await this.at(id).find()) !== undefined;
  }

  async remove(id: string): Promise<void> {
    const at = this.at(id);
    try {
      await settled(this.#changes.removeFile(at));
    } catch (error) {
      if (!isKind(error, "NO_SUCH_PATH")) throw error;
    }
  }

  async list(): Promise<string[]> {
    const names = await Names.read(this.#directory);
    return names.take(Number.MAX_SAFE_INTEGER).map((name) => Buffer.from(name).toString("latin1"));
  }

  async freeBytes(): Promise<number | undefined> {
    try {
      const { bavail, bsize } = await fs.promises.statfs(this.#directory.path);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  }

  /** Where a part is. Its directory is lent. */
  at(id: string): Location {
    if (!ID.test(id)) throw new Error(`not an id of a part: ${JSON.stringify(id)}`);
    return new Location(this.#directory, Buffer.from(id));
  }

  async #open(id: string): Promise<OpenFile> {
    try {
      return await OpenFile.openUnlinked(this.at(id).path, OPEN_FLAGS);
    } catch (error) {
      throw refusalOf(error);
    }
  }
}
