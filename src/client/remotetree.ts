/**
 * Directories of the server, and whole trees of it, several directories at a time.
 *
 * What a server lists is believed to be names and nothing else: one that could lead
 * elsewhere is a failure of its own and is not looked at again.
 */
import { FtpxError, isKind } from "../base/errors.ts";
import { LISTS_MAX, TREE_ENTRIES_MAX } from "../base/limits.ts";
import { resolvePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Client, ReplyOf } from "./client.ts";
import { relativeTo, Tree } from "./foliage.ts";
import type { TreeOptions } from "./foliage.ts";
import { isPartName } from "./partnames.ts";
import { isSuccessorName } from "./successors.ts";
import { workThrough } from "./queue.ts";
import { unlessAborted } from "./remote.ts";
import type { Remote } from "./remote.ts";

export type ListedEntry = ReplyOf<"list">["entries"][number];

/** A server closes the oldest of more; some are left to whoever else looks at something. */
export const DIRECTORIES_AT_ONCE = LISTS_MAX - 4;

/** Others of this session may still have too many open. */
const TRIES_MAX = 5;

interface RemoteTreeOptions extends TreeOptions {
  /** Says whether a name can be used. @throws FtpxError UNSAFE_NAME */
  readonly checkName: (name: string) => string;
  /** Also names that are kept for unfinished downloads: nothing of it comes to this machine. */
  readonly isOursToo?: boolean;
}

/** @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, … of the root; TREE_TOO_LARGE, INTERRUPTED */
export async function walkRemote(
  remote: Remote,
  root: VirtualPath,
  options: RemoteTreeOptions,
): Promise<Tree> {
  const { signal, checkName, isOursToo = false, hasSuccessors = false } = options;
  const mayBe = (name: string) => isOursToo || (hasSuccessors && isSuccessorName(name));
  const tree = new Tree(options);
  const from = { path: root, relative: "" };
  await workThrough([from], DIRECTORIES_AT_ONCE, async ({ path, relative }, add) => {
    const entries = await listDirectory(remote, path, signal).catch((error: unknown) => {
      if (relative === "" || !isOfOne(error)) throw error;
      tree.fail(path, error);
      return [];
    });
    const names = new Set<string>();
    for (const { name, kind, bytes, modifiedMs } of entries) {
      const child = findChild(tree, path, name, checkName);
      if (child === undefined) continue;
      if (names.has(name)) tree.fail(child, new FtpxError("NAME_COLLISION", { file: child }));
      else if (isPartName(name) && !mayBe(name)) tree.guarded.add(relative);
      else {
        const entry = { relative: relativeTo(relative, name), kind, bytes, modifiedMs };
        if (tree.add(entry) && kind === "directory") add({ path: child, relative: entry.relative });
      }
      names.add(name);
    }
  });
  return tree;
}

/** All of a directory, in no order. @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, … */
export async function listDirectory(
  remote: Remote,
  path: VirtualPath,
  signal: AbortSignal,
): Promise<ListedEntry[]> {
  for (let tried = 1; ; tried += 1) {
    try {
      const work = (client: Client) => unlessAborted(listOnce(client, path), signal);
      return await remote.retrying(work, { signal });
    } catch (error) {
      if (tried === TRIES_MAX || !isKind(error, "LIST_EXPIRED")) throw error;
    }
  }
}

/** Over one connection: another one does not know the cursor. */
async function listOnce(client: Client, path: VirtualPath): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = [];
  let cursor = 0;
  do {
    const page = await client.call("list", { path, cursor });
    // A server whose pages do not advance would keep us here for ever.
    if (page.entries.length === 0 && page.cursor !== 0) {
      throw new FtpxError("BAD_BODY", { reason: "a page of nothing" });
    }
    for (const entry of page.entries) entries.push(entry);
    if (entries.length > TREE_ENTRIES_MAX) {
      throw new FtpxError("TREE_TOO_LARGE", { limit: TREE_ENTRIES_MAX });
    }
    cursor = page.cursor;
  } while (cursor !== 0);
  return entries;
}

/** Nothing, and a failure, for a name that is none. */
function findChild(
  tree: Tree,
  directory: VirtualPath,
  name: string,
  checkName: (name: string) => string,
): VirtualPath | undefined {
  try {
    return resolvePath(directory, `./${checkName(name)}`);
  } catch (error) {
    tree.fail(`${directory}/${name}`.replace("//", "/"), unsafe(error));
    return undefined;
  }
}

function unsafe(error: unknown): unknown {
  return isKind(error, "BAD_PATH", "OUTSIDE_HOME") ? new FtpxError("UNSAFE_NAME") : error;
}

/** Whether the other directories may be listed all the same. */
function isOfOne(error: unknown): boolean {
  if (!(error instanceof FtpxError) || error.row.ends === "connection") return false;
  return !isKind(error, "INTERRUPTED", "TREE_TOO_LARGE");
}

/**
 * Makes a directory whose own directory is there; one that is there already is as good.
 *
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, FORBIDDEN, FILES_EXCEEDED, …
 */
export async function makeRemoteDirectory(
  { remote, signal }: { readonly remote: Remote; readonly signal: AbortSignal },
  path: VirtualPath,
): Promise<void> {
  const make = (withParents: boolean) =>
    remote.retrying(
      (client) => unlessAborted(client.call("makeDir", { path, withParents }), signal),
      { signal },
    );
  try {
    await make(false);
  } catch (error) {
    if (!isKind(error, "EXISTS")) throw error;
    // Refused unless what is there is a directory.
    await make(true);
  }
}
