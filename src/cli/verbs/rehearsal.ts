/**
 * What `--dry-run` can know beforehand of files that would be copied: that their places may
 * take them, and that there is room, on the server by the quota, here by the disk. It is one
 * look at a moving thing: only the copy itself can tell for certain.
 *
 * Room is counted as the server does: an overwrite needs room for both versions until it is
 * complete, and what an unfinished upload has reserved is not needed again.
 */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { FtpxError, isKind } from "../../base/errors.ts";
import { parentOf, systemPath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { demandPlace } from "../../client/destination.ts";
import { findLocal } from "../../client/localtree.ts";
import { ASKED_AT_ONCE, workThrough } from "../../client/queue.ts";
import { roomOf } from "./facts.ts";
import type { Batch } from "./batch.ts";
import type { CopySettings, CopyTask } from "./jobs.ts";
import type { Tally } from "./tally.ts";
import { fetchUnfinished } from "./unfinished.ts";
import { endsAll } from "./failing.ts";
import { demandDirectory } from "./landing.ts";
import type { Stage } from "./verb.ts";

/** Something that would take room at its destination. */
export interface Load {
  readonly path: string;
  readonly bytes: number;
  /** Of the file that it replaces; nothing where there is none. */
  readonly replacedBytes?: number | undefined;
}

interface Limits {
  readonly freeBytes: number;
  readonly freeFiles: number;
  /** Of the quota; nothing on this machine. */
  readonly limitBytes?: number;
  readonly limitFiles?: number;
  /** By path: what is reserved already. */
  readonly reserved?: ReadonlyMap<string, number>;
}

/** What is left while one load after the other is put there. */
export class Room {
  readonly #limits: Limits;
  #freeBytes: number;
  #freeFiles: number;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#freeBytes = limits.freeBytes;
    this.#freeFiles = limits.freeFiles;
  }

  /** @throws FtpxError QUOTA_EXCEEDED, FILES_EXCEEDED, LOCAL_FULL, and the room is as before */
  take({ path, bytes, replacedBytes }: Load): void {
    const { limitBytes, limitFiles = 0, reserved } = this.#limits;
    const held = reserved?.get(path);
    const needed = Math.max(0, bytes - (held ?? 0));
    const files = replacedBytes === undefined && held === undefined ? 1 : 0;
    if (needed > this.#freeBytes) {
      if (limitBytes === undefined) throw new FtpxError("LOCAL_FULL", { path });
      const freeBytes = this.#freeBytes;
      throw new FtpxError("QUOTA_EXCEEDED", { path, neededBytes: needed, freeBytes, limitBytes });
    }
    if (files > this.#freeFiles) {
      throw new FtpxError("FILES_EXCEEDED", { path, needed: files, free: 0, limit: limitFiles });
    }
    this.#freeBytes -= needed - (replacedBytes ?? 0);
    this.#freeFiles -= files;
  }
}

/** Nothing where this account may not ask. @throws FtpxError INTERRUPTED, CONNECTION_LOST, … */
export async function roomThere(stage: Stage): Promise<Room | undefined> {
  try {
    const quota = await stage.remote.call("quota", {}, stage.signal);
    const unfinished = await fetchUnfinished(stage);
    const reserved = new Map(
      unfinished.map(({ path, totalBytes }) => [path as string, totalBytes]),
    );
    const { limitBytes, limitFiles } = quota;
    return new Room({ ...roomOf(quota), limitBytes, limitFiles, reserved });
  } catch (error) {
    if (isKind(error, "FORBIDDEN")) return undefined;
    throw error;
  }
}

/** Of the disk on which a path of this machine lies or would lie. */
export async function roomHere(path: string): Promise<Room | undefined> {
  let place = path;
  while (
    (await findLocal(place).catch(() => undefined)) === undefined &&
    dirname(place) !== place
  ) {
    place = dirname(place);
  }
  const found = await statfs(systemPath(place)).catch(() => undefined);
  if (found === undefined) return undefined;
  return new Room({ freeBytes: found.bavail * found.bsize, freeFiles: Infinity });
}

/** @returns those that would be copied; the others have had their lines */
export async function rehearseCopies(
  stage: Stage,
  { tasks, directories, tally }: Pick<Batch, "tasks" | "directories" | "tally">,
  settings: CopySettings,
): Promise<CopyTask[]> {
  const [first] = tasks;
  if (first === undefined) return [];
  const isUpload = first.direction === "upload";
  const room = isUpload ? await roomThere(stage) : await roomHere(first.local);
  const looks = await lookAtAll(stage, tasks, settings);
  for (const path of directories) attempt(tally, path, () => room?.take({ path, bytes: 0 }));
  return tasks.filter(({ path, local, totalBytes: bytes = 0 }, index) =>
    attempt(tally, path, () => {
      const look = looks[index];
      if (look?.failure !== undefined) throw look.failure;
      const called = isUpload ? path : local;
      room?.take({ path: called, bytes, replacedBytes: look?.replacedBytes });
    }),
  );
}

/** @returns whether it would be done; else it has had its line */
export function attempt(tally: Tally, path: string, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    tally.failed(path, error);
    return false;
  }
}

interface Look {
  readonly replacedBytes?: number | undefined;
  readonly failure?: unknown;
}

/** @throws FtpxError INTERRUPTED, CONNECTION_LOST, … */
async function lookAtAll(stage: Stage, tasks: readonly CopyTask[], { mayReplace }: CopySettings) {
  const looks: Look[] = [];
  const parents = new Map<VirtualPath, Promise<void>>();
  const demandParent = (path: VirtualPath): Promise<void> => {
    const parent = parentOf(path);
    const asked = parents.get(parent) ?? demandDirectory(stage, parent);
    parents.set(parent, asked);
    return asked;
  };
  await workThrough(tasks.entries(), ASKED_AT_ONCE, async ([index, task]) => {
    try {
      const { direction, local, path, isInTree } = task;
      if (direction === "download") {
        await demandPlace({ local, mayReplace });
        looks[index] = { replacedBytes: (await findLocal(local))?.bytes };
      } else {
        const replacedBytes = await replacedThere(stage, path, mayReplace);
        // The directories of a tree would be made.
        const mustAsk = replacedBytes === undefined && isInTree !== true;
        if (mustAsk) await demandParent(path);
        looks[index] = { replacedBytes };
      }
    } catch (failure) {
      if (isKind(failure, "INTERRUPTED") || endsAll(failure)) throw failure;
      looks[index] = { failure };
    }
  });
  return looks;
}

async function replacedThere(
  { remote, signal }: Stage,
  path: VirtualPath,
  mayReplace: boolean,
): Promise<number | undefined> {
  try {
    const { kind, bytes } = await remote.call("stat", { path }, signal);
    if (kind === "directory") throw new FtpxError("IS_A_DIRECTORY", { path });
    if (!mayReplace) throw new FtpxError("EXISTS", { path });
    return bytes;
  } catch (error) {
    if (isKind(error, "NO_SUCH_PATH", "FORBIDDEN")) return undefined;
    throw error;
  }
}
