/** The two sides of a sync: a directory of this machine and one of the server, made alike. */
import { rmdir, stat, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { FtpxError, isKind } from "../../base/errors.ts";
import { childPath, resolvePath, systemPath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { localFailure } from "../../client/copy.ts";
import { parentOf } from "../../client/foliage.ts";
import type { Tree, TreeEntry, TreeOptions } from "../../client/foliage.ts";
import { Ground, Taken, wavesOf } from "../../client/ground.ts";
import { isLeaf, safeLeaf } from "../../client/leaf.ts";
import { findLocal, walkLocal } from "../../client/localtree.ts";
import type { Plan } from "../../client/plan.ts";
import { makeRemoteDirectory, walkRemote } from "../../client/remotetree.ts";
import type { CopyTask } from "./jobs.ts";
import { failureAt } from "./failing.ts";
import type { Stage } from "./verb.ts";

export interface Side {
  /**
   * Nothing where there is no such directory.
   *
   * @param isStrict whether names have to be possible on this machine too
   * @throws FtpxError NOT_A_DIRECTORY, …
   */
  walk(options: TreeOptions, isStrict: boolean): Promise<Tree | undefined>;
  missing(): FtpxError;
  /** How it is called in messages and events. */
  name(relative: string): string;
  /** The unit in which times are kept, as far as that is known. */
  precisionMs(): Promise<number>;
  /** The root is there afterwards. */
  begin(): Promise<void>;
  /** Directories that it has to be told of before files can go into them. */
  directoriesOf(plan: Plan): readonly TreeEntry[];
  makeDirectory(entry: TreeEntry): Promise<void>;
  /** Whether the directory of a file is there; else that has been told. */
  hasPlace(relative: string): boolean;
  /** @param place where a file goes, when that is not where it belongs */
  tasksOf(
    files: readonly TreeEntry[],
    source: Side,
    place?: (relative: string) => string,
  ): CopyTask[];
  /** What stands there, if anything does; a link is not followed. */
  kindOf(relative: string): Promise<TreeEntry["kind"] | undefined>;
  /** What was put together elsewhere takes the place that is free now. */
  adopt(staged: string, entry: TreeEntry): Promise<void>;
  /** Removes a file, a link or an empty directory. */
  remove(entry: TreeEntry): Promise<void>;
  finish(): Promise<void>;
}

/** FAT, whose times are in steps of two seconds. */
const MSDOS_MAGIC = 0x4d44;

export class HereSide implements Side {
  readonly #root: string;
  #ground: Ground | undefined;
  readonly #times: TreeEntry[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  async walk(options: TreeOptions): Promise<Tree | undefined> {
    if ((await findLocal(this.#root)) === undefined) return undefined;
    const stats = await stat(systemPath(this.#root)).catch((error: unknown) => {
      throw localFailure(error, this.#root);
    });
    if (!stats.isDirectory()) throw new FtpxError("NOT_A_DIRECTORY", { path: this.#root });
    return await walkLocal(this.#root, options);
  }

  missing(): FtpxError {
    return new FtpxError("NO_LOCAL_FILE", { path: this.#root });
  }

  name(relative: string): string {
    return join(this.#root, relative);
  }

  async precisionMs(): Promise<number> {
    const found = await statfs(systemPath(this.#root)).catch(() => undefined);
    return found?.type === MSDOS_MAGIC ? 2000 : 1;
  }

  async begin(): Promise<void> {
    this.#ground = await Ground.open(this.#root, new Taken());
  }

  /** All of the source's: each is looked at before something is put into it. */
  directoriesOf(plan: Plan): readonly TreeEntry[] {
    return plan.allDirectories;
  }

  async makeDirectory(entry: TreeEntry): Promise<void> {
    // Whatever was wrong with the one above has been told.
    if (!this.hasPlace(entry.relative)) return;
    await this.#opened.makeDirectory(entry.relative);
    this.#times.push(entry);
  }

  hasPlace(relative: string): boolean {
    return this.#opened.hasDirectory(parentOf(relative));
  }

  tasksOf(files: readonly TreeEntry[], source: Side, place = itself): CopyTask[] {
    const ground = this.#opened;
    const waves = wavesOf(files, ({ relative }) => relative);
    return waves.flatMap((some, wave) =>
      some.map(({ relative, bytes, modifiedMs }): CopyTask => {
        const placed = place(relative);
        const prepare = () => ground.demandFree(placed);
        const finish = () => ground.written(placed);
        const local = ground.place(placed);
        const path = source.name(relative) as VirtualPath;
        const known = { totalBytes: bytes, modifiedMs, isInTree: true, wave };
        return { direction: "download", local, path, label: relative, ...known, prepare, finish };
      }),
    );
  }

  async kindOf(relative: string): Promise<TreeEntry["kind"] | undefined> {
    return (await findLocal(this.name(relative)))?.kind;
  }

  async adopt(staged: string, entry: TreeEntry): Promise<void> {
    await this.#opened.adopt(staged, entry.relative);
    if (entry.kind === "directory") await this.makeDirectory(entry);
  }

  async remove({ relative, kind }: TreeEntry): Promise<void> {
    const path = this.name(relative);
    try {
      await this.#opened.demandUnused(path);
      if (kind === "directory") await rmdir(systemPath(path));
      else await unlink(systemPath(path));
    } catch (error) {
      throw localFailure(error, path);
    }
  }

  async finish(): Promise<void> {
    const ground = this.#opened;
    await ground.sync();
    for (const { relative, modifiedMs } of this.#times.toReversed()) {
      await ground.setModified(relative, modifiedMs);
    }
  }

  get #opened(): Ground {
    if (this.#ground === undefined) throw new Error("a target before its beginning");
    return this.#ground;
  }
}

export class ThereSide implements Side {
  readonly #stage: Stage;
  readonly #root: VirtualPath;
  /** Directories that could not be made, and those below. */
  readonly #failed = new Set<string>();

  constructor(stage: Stage, root: VirtualPath) {
    this.#stage = stage;
    this.#root = root;
  }

  async walk(options: TreeOptions, isStrict: boolean): Promise<Tree | undefined> {
    const { remote } = this.#stage;
    const checkName = isStrict ? checkHere : checkLeaf;
    try {
      return await walkRemote(remote, this.#root, { ...options, checkName });
    } catch (error) {
      if (isKind(error, "NO_SUCH_PATH")) return undefined;
      throw failureAt(error, this.#root);
    }
  }

  missing(): FtpxError {
    return new FtpxError("NO_SUCH_PATH", { path: this.#root });
  }

  /** May be longer than a path may be; `#checked` tells. */
  name(relative: string): VirtualPath {
    return childPath(this.#root, relative);
  }

  /** The protocol has milliseconds. */
  precisionMs(): Promise<number> {
    return Promise.resolve(1);
  }

  async begin(): Promise<void> {
    const { remote, signal } = this.#stage;
    const work = { path: this.#root, withParents: true };
    await remote
      .retrying((client) => client.call("makeDir", work), { signal })
      .catch((error: unknown) => {
        throw failureAt(error, this.#root);
      });
  }

  directoriesOf(plan: Plan): readonly TreeEntry[] {
    return plan.directories;
  }

  async makeDirectory({ relative }: TreeEntry): Promise<void> {
    // Whatever was wrong with the one above has been told.
    if (!this.hasPlace(relative)) {
      this.#failed.add(relative);
      return;
    }
    try {
      await makeRemoteDirectory(this.#stage, this.#checked(relative));
    } catch (error) {
      this.#failed.add(relative);
      throw error;
    }
  }

  hasPlace(relative: string): boolean {
    return !this.#failed.has(parentOf(relative));
  }

  tasksOf(files: readonly TreeEntry[], source: Side, place = itself): CopyTask[] {
    return files.map(({ relative, bytes, modifiedMs }): CopyTask => {
      const placed = place(relative);
      const called = this.name(relative);
      const known = { totalBytes: bytes, modifiedMs, isInTree: true, called };
      const [local, path] = [source.name(relative), this.name(placed)];
      const prepare = async () => void this.#checked(placed);
      return { direction: "upload", local, path, label: relative, ...known, prepare };
    });
  }

  async kindOf(relative: string): Promise<TreeEntry["kind"] | undefined> {
    const { remote, signal } = this.#stage;
    try {
      return (await remote.call("stat", { path: this.#checked(relative) }, signal)).kind;
    } catch (error) {
      if (isKind(error, "NO_SUCH_PATH")) return undefined;
      throw error;
    }
  }

  /** A file that has come there meanwhile is replaced by a file, as it is by any upload. */
  async adopt(staged: string, { relative }: TreeEntry): Promise<void> {
    const { remote, signal } = this.#stage;
    const [from, to] = [this.#checked(staged), this.#checked(relative)];
    await remote.call("move", { from, to, mayReplace: true }, signal);
  }

  async remove({ relative, kind }: TreeEntry): Promise<void> {
    const path = this.name(relative);
    const { remote, signal } = this.#stage;
    try {
      if (kind === "directory") await remote.call("removeDir", { path }, signal);
      else await remote.call("remove", { path, isRecursive: false }, signal);
    } catch (error) {
      // What is not there any more need not be removed.
      if (!isKind(error, "NO_SUCH_PATH")) throw error;
    }
  }

  /** @throws FtpxError NAME_TOO_LONG */
  #checked(relative: string): VirtualPath {
    return resolvePath(this.#root, `./${relative}`);
  }

  /** The protocol has no times of directories. */
  finish(): Promise<void> {
    return Promise.resolve();
  }
}

function itself(relative: string): string {
  return relative;
}

function checkHere(name: string): string {
  return safeLeaf(name);
}

/** A name on the server only: it need not be possible here. @throws FtpxError UNSAFE_NAME */
function checkLeaf(name: string): string {
  if (!isLeaf(name)) throw new FtpxError("UNSAFE_NAME", { path: name });
  return name;
}
