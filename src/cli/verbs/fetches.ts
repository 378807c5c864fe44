/** What `get` makes of its words: which files go where on this machine, and their directories. */
import { stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { FtpxError } from "../../base/errors.ts";
import { HOME, leafOf, resolvePath, systemPath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { byPath, parentOf } from "../../client/foliage.ts";
import type { Tree, TreeEntry } from "../../client/foliage.ts";
import { Ground, Taken, wavesOf } from "../../client/ground.ts";
import { safeLeaf } from "../../client/leaf.ts";
import { findLocal } from "../../client/localtree.ts";
import { ASKED_AT_ONCE, workThrough } from "../../client/queue.ts";
import { walkRemote } from "../../client/remotetree.ts";
import { scanning } from "../scanning.ts";
import { factsThere } from "./batch.ts";
import type { Batch } from "./batch.ts";
import type { CopyTask } from "./jobs.ts";
import { Tally } from "./tally.ts";
import { HINT_RECURSIVE } from "./verb.ts";
import type { Spot, Stage } from "./verb.ts";

interface FetchOptions {
  readonly isRecursive: boolean;
  readonly isDry: boolean;
}

/**
 * @param local where to; the current directory when it is absent
 * @throws FtpxError NO_LOCAL_FILE, NOT_A_DIRECTORY, USAGE, INTERRUPTED
 */
export async function gatherFetches(
  stage: Stage,
  spots: readonly Spot[],
  local: string | undefined,
  options: FetchOptions,
): Promise<Batch> {
  const place = await localPlace(local, spots.length, options.isRecursive);
  const gathering = new Gathering(stage, options, place);
  await scanning(stage.isJson, async (onFound) => {
    const plain: Spot[] = [];
    for (const spot of spots) {
      await gathering.tally.attempt(spot.path, async () => {
        const isTree = options.isRecursive && (await isDirectory(stage, spot.path));
        if (isTree) await gathering.tree(spot, onFound);
        else if (spot.path === HOME) throw isDirectoryFailure();
        else plain.push(spot);
      });
    }
    await gathering.files(plain);
  });
  return gathering.batch();
}

class Gathering {
  readonly tally: Tally;
  readonly #stage: Stage;
  readonly #options: FetchOptions;
  readonly #taken = new Taken();
  readonly #tasks: CopyTask[] = [];
  readonly #directories: string[] = [];
  /** The times of directories, told when all in them is there: the deepest first. */
  readonly #times: (() => Promise<void>)[] = [];
  readonly #place: LocalPlace;
  /** The directory into which things go under names that the server gives. */
  #shared: Ground | undefined;

  constructor(stage: Stage, options: FetchOptions, place: LocalPlace) {
    this.tally = new Tally(stage.isJson);
    this.#stage = stage;
    this.#options = options;
    this.#place = place;
  }

  /** Files that were named one by one; their sizes are asked for together. */
  async files(spots: readonly Spot[]): Promise<void> {
    const tasks: CopyTask[] = [];
    for (const { path } of spots) {
      await this.tally.attempt(path, async () => {
        const local = placeIn(this.#place, path);
        await this.#demandInside(path);
        const prepare = async () => {
          await this.#demandInside(path);
          await this.#taken.demandFree(local);
        };
        const finish = () => this.#taken.add(local);
        const direction = "download";
        const known = { label: leafOf(path), totalBytes: undefined };
        tasks.push({ direction, local, path, ...known, prepare, finish });
      });
    }
    if (this.#options.isDry) await this.#rehearse(tasks);
    else this.#tasks.push(...(tasks.length > 1 ? await withSizes(this.#stage, tasks) : tasks));
  }

  /** What would fail when it is copied fails now. */
  async #rehearse(tasks: readonly CopyTask[]): Promise<void> {
    const { remote, signal } = this.#stage;
    const sized: CopyTask[] = [];
    await workThrough(tasks.entries(), ASKED_AT_ONCE, ([index, task]) =>
      this.tally.attempt(task.path, async () => {
        const { kind, bytes } = await remote.call("stat", { path: task.path }, signal);
        if (kind === "directory") throw isDirectoryFailure();
        if (kind !== "file") throw new FtpxError("NOT_A_FILE");
        sized[index] = { ...task, totalBytes: bytes };
      }),
    );
    this.#tasks.push(...sized.filter((task) => task !== undefined));
  }

  async tree(spot: Spot, onFound: (entry: TreeEntry) => void): Promise<void> {
    const { remote, signal } = this.#stage;
    const root = placeIn(this.#place, spot.path);
    await this.#demandInside(spot.path);
    const options = { signal, checkName: checkLeaf, onFound };
    const tree = await walkRemote(remote, spot.path, options);
    for (const { path, error } of tree.failures) this.tally.failed(path, error);
    const entries = tree.entries.toSorted(byPath);
    if (this.#options.isDry) await this.#plan(spot, root, entries);
    else await this.#make(spot, root, entries);
  }

  batch(): Batch {
    const waves = wavesOf(this.#tasks, ({ local }) => local);
    const finish = async () => {
      for (const setTime of this.#times.toReversed()) await setTime();
    };
    return {
      tasks: waves.flatMap((tasks, wave) => tasks.map((task) => ({ ...task, wave }))),
      tally: this.tally,
      directories: this.#directories,
      finish,
    };
  }

  /**
   * A link that somebody named is followed; one that merely stands where the server's name
   * leads is not, when it leads out.
   */
  async #demandInside(path: VirtualPath): Promise<void> {
    const { directory } = this.#place;
    if (directory === undefined || path === HOME) return;
    this.#shared ??= await Ground.open(directory, this.#taken);
    await this.#shared.demandFree(safeLeaf(leafOf(path)));
  }

  /** Makes the directories, and notes what goes into them. */
  async #make(spot: Spot, root: string, entries: readonly TreeEntry[]): Promise<void> {
    const ground = await Ground.open(root, this.#taken);
    for (const entry of entries) {
      const { relative, kind, modifiedMs } = entry;
      // Whatever was wrong with its directory has been told.
      if (!ground.hasDirectory(parentOf(relative))) continue;
      const path = pathIn(spot, relative);
      await this.tally.attempt(path, async () => {
        if (kind === "directory") {
          await ground.makeDirectory(relative);
          this.#times.push(() => ground.setModified(relative, modifiedMs));
        } else if (kind === "file") {
          const prepare = () => ground.demandFree(relative);
          const finish = () => ground.written(relative);
          const task = taskOf(spot, entry, ground.place(relative));
          this.#tasks.push({ ...task, prepare, finish });
        } else this.tally.skip(path, kind);
      });
    }
    await ground.sync();
  }

  /** Notes what would be made and copied. */
  async #plan(spot: Spot, root: string, entries: Tree["entries"]): Promise<void> {
    if ((await findLocal(root)) === undefined) this.#directories.push(root);
    for (const entry of entries) {
      const { relative, kind } = entry;
      const local = join(root, relative);
      if (kind === "file") this.#tasks.push(taskOf(spot, entry, local));
      else if (kind !== "directory") this.tally.skip(pathIn(spot, relative), kind);
      else if ((await findLocal(local)) === undefined) this.#directories.push(local);
    }
  }
}

function taskOf(spot: Spot, { relative, bytes, modifiedMs }: TreeEntry, local: string): CopyTask {
  const path = pathIn(spot, relative);
  const leaf = leafOf(spot.path);
  const label = leaf === "" ? relative : `${leaf}/${relative}`;
  return {
    direction: "download",
    local,
    path,
    label,
    totalBytes: bytes,
    modifiedMs,
    isInTree: true,
  };
}

function pathIn({ path }: Spot, relative: string): VirtualPath {
  return resolvePath(path, `./${relative}`);
}

function isDirectoryFailure(): FtpxError {
  return new FtpxError("IS_A_DIRECTORY", {}, { hint: HINT_RECURSIVE });
}

async function isDirectory({ remote, signal }: Stage, path: VirtualPath): Promise<boolean> {
  const { kind } = await remote.call("stat", { path }, signal);
  return kind === "directory";
}

/** Where things go: into a directory under their own names, or one thing to a named place. */
type LocalPlace =
  | { readonly directory: string }
  | { readonly directory?: never; readonly named: string };

/** @throws FtpxError NO_LOCAL_FILE, NOT_A_DIRECTORY, USAGE */
async function localPlace(
  local: string | undefined,
  count: number,
  isRecursive: boolean,
): Promise<LocalPlace> {
  if (local === undefined) return { directory: "." };
  if (local === "") throw new FtpxError("USAGE", { reason: "an empty word names no file" });
  if (local === "-") {
    const reason = "a file is proved before it is anybody's: name one instead of -";
    throw new FtpxError("USAGE", { reason });
  }
  const stats = await stat(systemPath(local)).catch(() => undefined);
  if (stats?.isDirectory() === true) return { directory: local };
  const mustBeDirectory = count > 1 || local.endsWith("/") || local.endsWith(sep);
  const isMade = isRecursive && count === 1 && stats === undefined;
  if (!mustBeDirectory || isMade) return { named: local };
  throw new FtpxError(stats === undefined ? "NO_LOCAL_FILE" : "NOT_A_DIRECTORY", { path: local });
}

/** Sizes say how long all of it takes; whatever is wrong with a file is told when it is copied. */
async function withSizes(stage: Stage, tasks: readonly CopyTask[]): Promise<readonly CopyTask[]> {
  const sized = [...tasks];
  await workThrough(tasks.entries(), ASKED_AT_ONCE, async ([index, task]) => {
    const facts = await factsThere(stage, task.path);
    if (facts !== undefined) sized[index] = { ...task, totalBytes: facts.bytes };
  });
  return sized;
}

/**
 * What a thing of the server is called here: in a directory its own name, if that is safe.
 * The home has no name, so what it holds goes there itself.
 *
 * @throws FtpxError UNSAFE_NAME
 */
function placeIn(place: LocalPlace, path: VirtualPath): string {
  const { directory } = place;
  if (directory === undefined) return place.named;
  return path === HOME ? directory : join(directory, safeLeaf(leafOf(path)));
}

function checkLeaf(name: string): string {
  return safeLeaf(name);
}
