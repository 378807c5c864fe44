/** What `put` makes of its words: which files go where on the server, and their directories. */
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { FtpxError, isKind } from "../../base/errors.ts";
import { childPath, resolvePath, systemPath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { localFailure } from "../../client/copy.ts";
import { byPath, levelsOf, parentOf } from "../../client/foliage.ts";
import type { TreeEntry } from "../../client/foliage.ts";
import { localLeaf } from "../../client/ground.ts";
import { walkLocal } from "../../client/localtree.ts";
import { ASKED_AT_ONCE, workThrough } from "../../client/queue.ts";
import { makeRemoteDirectory } from "../../client/remotetree.ts";
import { scanning } from "../scanning.ts";
import type { Batch } from "./batch.ts";
import type { CopyTask } from "./jobs.ts";
import { Tally } from "./tally.ts";
import { HINT_RECURSIVE } from "./verb.ts";
import type { Stage } from "./verb.ts";

interface SendOptions {
  readonly isRecursive: boolean;
  readonly isDry: boolean;
}

/**
 * @param pathFor what a thing with a name of its own is called on the server; what has none,
 *   as `.` and `..`, goes into the directory itself
 * @throws FtpxError INTERRUPTED, CONNECTION_LOST, …
 */
export async function gatherSends(
  stage: Stage,
  locals: readonly string[],
  pathFor: (leaf: string) => VirtualPath,
  options: SendOptions,
): Promise<Batch> {
  const gathering = new Gathering(stage, options);
  await scanning(stage.isJson, async (onFound) => {
    for (const local of locals) {
      await gathering.tally.attempt(local, async () => {
        const facts = await lookAt(local);
        if (facts.isTree && !options.isRecursive) {
          throw new FtpxError("IS_A_DIRECTORY", { path: local }, { hint: HINT_RECURSIVE });
        }
        if (facts.isTree) await gathering.tree(local, pathFor(localLeaf(local)), onFound);
        else gathering.file(local, pathFor(basename(local)), facts.bytes);
      });
    }
  });
  return gathering.batch();
}

class Gathering {
  readonly tally: Tally;
  readonly #stage: Stage;
  readonly #isDry: boolean;
  readonly #tasks: CopyTask[] = [];
  readonly #directories: string[] = [];

  constructor(stage: Stage, { isDry }: SendOptions) {
    this.tally = new Tally(stage.isJson);
    this.#stage = stage;
    this.#isDry = isDry;
  }

  file(local: string, path: VirtualPath, totalBytes: number): void {
    this.#tasks.push({ direction: "upload", local, path, label: basename(local), totalBytes });
  }

  async tree(
    root: string,
    target: VirtualPath,
    onFound: (entry: TreeEntry) => void,
  ): Promise<void> {
    const { signal } = this.#stage;
    const tree = await walkLocal(root, { signal, onFound });
    for (const { path, error } of tree.failures) this.tally.failed(path, error);
    const entries = tree.entries.toSorted(byPath);
    const directories = ["", ...entries.filter(isDirectory).map(({ relative }) => relative)];
    const made = await this.#makeDirectories(target, directories);
    const leaf = localLeaf(root);
    for (const { relative, kind, bytes, modifiedMs } of entries) {
      // Whatever was wrong with its directory has been told.
      if (kind === "directory" || !made.has(parentOf(relative))) continue;
      const local = join(root, relative);
      if (kind !== "file") {
        this.tally.skip(local, kind);
        continue;
      }
      await this.tally.attempt(local, async () => {
        const path = resolvePath(target, `./${relative}`);
        const label = leaf === "" ? relative : `${leaf}/${relative}`;
        const known = { label, totalBytes: bytes, modifiedMs, isInTree: true };
        this.#tasks.push({ direction: "upload", local, path, ...known });
      });
    }
  }

  batch(): Batch {
    return {
      tasks: this.#tasks,
      tally: this.tally,
      directories: this.#directories,
    };
  }

  /** Those of one depth together, above them first. @returns those that are there */
  async #makeDirectories(
    target: VirtualPath,
    directories: readonly string[],
  ): Promise<Set<string>> {
    const made = new Set<string>();
    for (const level of levelsOf(directories, (relative) => relative)) {
      const wanted = level.filter((relative) => relative === "" || made.has(parentOf(relative)));
      await workThrough(wanted, ASKED_AT_ONCE, (relative) =>
        this.tally.attempt(childPath(target, relative), async () => {
          const path = resolvePath(target, `./${relative}`);
          if (!this.#isDry) await makeRemoteDirectory(this.#stage, path);
          else if (!(await this.#isThere(path))) this.#directories.push(path);
          made.add(relative);
        }),
      );
    }
    this.#directories.sort();
    return made;
  }

  async #isThere(path: VirtualPath): Promise<boolean> {
    const { remote, signal } = this.#stage;
    try {
      await remote.call("stat", { path }, signal);
      return true;
    } catch (error) {
      if (isKind(error, "NO_SUCH_PATH", "NOT_A_DIRECTORY", "FORBIDDEN")) return false;
      throw error;
    }
  }
}

function isDirectory({ kind }: TreeEntry): boolean {
  return kind === "directory";
}

/** A link on the command line is followed. @throws FtpxError USAGE, NO_LOCAL_FILE, LOCAL_IO, NOT_A_FILE */
async function lookAt(local: string): Promise<{ isTree: boolean; bytes: number }> {
  if (local === "-") {
    const reason = "room is reserved by size, which stdin has not: put a file instead of -";
    throw new FtpxError("USAGE", { reason });
  }
  if (local === "") throw new FtpxError("USAGE", { reason: "an empty word names no file" });
  try {
    const stats = await stat(systemPath(local));
    if (stats.isDirectory()) return { isTree: true, bytes: 0 };
    if (stats.isFile()) return { isTree: false, bytes: stats.size };
    throw new FtpxError("NOT_A_FILE", { path: local });
  } catch (error) {
    throw localFailure(error, local);
  }
}
