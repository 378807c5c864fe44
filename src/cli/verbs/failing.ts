/**
 * Verbs that do the same to many things: what fails has a line of its own, with the path it is
 * about, and keeps nothing else from being tried, unless all the rest would fail in the same way.
 */
import { FtpxError, isKind, withPath } from "../../base/errors.ts";
import { childPath, HOME, namesOf } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import type { Remote } from "../../client/remote.ts";
import { exitStatusOf, worstStatus } from "../status.ts";
import { showError } from "../trouble.ts";
import type { Spot, Stage } from "./verb.ts";

/**
 * Does one thing after the other. A failure has its own line and does not keep the others
 * from being tried, unless it is the connection that failed for good.
 *
 * @returns the worst status
 * @throws  FtpxError INTERRUPTED
 */
export async function forEach<Item>(
  items: readonly Item[],
  pathOf: (item: Item) => string,
  work: (item: Item) => Promise<void>,
): Promise<number> {
  const statuses: number[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      const failure = failureAt(error, pathOf(item));
      if (isKind(failure, "INTERRUPTED")) throw failure;
      statuses.push(tellFailure(pathOf(item), failure));
      if (endsAll(failure)) break;
    }
  }
  return worstStatus(statuses);
}

/** The same, to what stands at spots on the server. */
export async function forEachOf(
  { remote }: Stage,
  spots: readonly Spot[],
  work: (spot: Spot) => Promise<void>,
): Promise<number> {
  const blamingWork = async (spot: Spot) => {
    try {
      await work(spot);
    } catch (error) {
      throw await blaming(remote, spot.path, error);
    }
  };
  return await forEach(spots, ({ path }) => path, blamingWork);
}

/** The same failure with the path it is about; a lost connection is about no path. */
export function failureAt(error: unknown, path: string): unknown {
  return endsAll(error) ? error : withPath(error, path);
}

/** @param path what it is about @returns the exit status */
export function tellFailure(path: string, error: unknown, hint?: string): number {
  const failure = failureAt(error, path);
  showError(failure, hint);
  return exitStatusOf(failure);
}

/** Whether what else there is to do would fail in the same way. */
export function endsAll(failure: unknown): boolean {
  return !(failure instanceof FtpxError) || failure.row.ends === "connection";
}

/** The failure names the file that stands where a directory has to, not what was looked for below. */
export async function blaming(remote: Remote, path: VirtualPath, error: unknown): Promise<unknown> {
  if (!isKind(error, "NOT_A_DIRECTORY") || error.details.path !== undefined) return error;
  return withPath(error, await fileAbove(remote, path));
}

/** What stands in the way of a path, because it is a file: it, or what is above it. */
async function fileAbove(remote: Remote, path: VirtualPath): Promise<VirtualPath> {
  let current = HOME;
  for (const name of namesOf(path)) {
    current = childPath(current, name);
    const facts = await remote.call("stat", { path: current }).catch(() => undefined);
    if (facts?.kind !== "directory") return current;
  }
  return path;
}
