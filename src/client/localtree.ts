/**
 * Walks a tree of this machine. Links are found and never followed, except the root; names
 * come as `nameText` writes them, so those that are not UTF-8 lead back to their files.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errorOfSystem, isKind } from "../base/errors.ts";
import { outlineOf } from "../base/openfile.ts";
import type { Outline } from "../base/openfile.ts";
import { nameText, systemPath } from "../base/path.ts";
import { localFailure } from "./copy.ts";
import { relativeTo, Tree } from "./foliage.ts";
import type { TreeEntry, TreeOptions } from "./foliage.ts";
import { isPartName } from "./partnames.ts";
import { isSuccessorName } from "./successors.ts";
import { workThrough } from "./queue.ts";

/** Directories at once, and entries of one of them: more than the thread pool has threads. */
const DIRECTORIES_AT_ONCE = 4;
const LOOKS_AT_ONCE = 32;

/** @throws FtpxError NO_LOCAL_FILE, LOCAL_IO when the root cannot be read; TREE_TOO_LARGE, INTERRUPTED */
export async function walkLocal(root: string, options: TreeOptions): Promise<Tree> {
  const tree = new Tree(options);
  await workThrough([""], DIRECTORIES_AT_ONCE, async (directory, add) => {
    const path = join(root, directory);
    let names: string[];
    try {
      names = await localNames(path);
    } catch (error) {
      if (directory === "") throw error;
      tree.fail(path, error);
      return;
    }
    await workThrough(names, LOOKS_AT_ONCE, async (name) => {
      const relative = relativeTo(directory, name);
      const entry = await lookAt(tree, root, relative);
      if (entry === undefined) return;
      // What an unfinished download left is nobody's file yet.
      const isEntry =
        !isPartName(name) || (options.hasSuccessors === true && isSuccessorName(name));
      if (!isEntry) tree.guarded.add(directory);
      else if (tree.add(entry) && entry.kind === "directory") add(relative);
    });
  });
  return tree;
}

/** The names in a directory. @throws FtpxError NO_LOCAL_FILE, LOCAL_IO */
export async function localNames(path: string): Promise<string[]> {
  try {
    if (process.platform === "win32") return await readdir(path);
    // One character a byte: Buffers of Bun 1.4.5 stop everything else for a while.
    const names = await readdir(systemPath(path), { encoding: "latin1" });
    return names.map((name) => nameText(Buffer.from(name, "latin1")));
  } catch (error) {
    throw localFailure(error, path);
  }
}

/** The same, with what is a directory itself. @throws FtpxError NO_LOCAL_FILE, LOCAL_IO */
export async function localEntries(
  path: string,
): Promise<{ readonly name: string; readonly isDirectory: boolean }[]> {
  const isWide = process.platform === "win32";
  try {
    const options = { withFileTypes: true, encoding: isWide ? "utf8" : "latin1" } as const;
    const entries = await readdir(systemPath(path), options);
    return entries.map((entry) => ({
      name: isWide ? entry.name : nameText(Buffer.from(entry.name, "latin1")),
      isDirectory: entry.isDirectory(),
    }));
  } catch (error) {
    throw localFailure(error, path);
  }
}

/** Nothing when it is not there, whatever stands in the way. @throws FtpxError LOCAL_IO */
export async function findLocal(path: string): Promise<Outline | undefined> {
  try {
    return await outlineAt(path);
  } catch (error) {
    if (isKind(errorOfSystem(error), "NO_SUCH_PATH", "NOT_A_DIRECTORY")) return undefined;
    throw localFailure(error, path);
  }
}

/** @throws the system's error */
async function outlineAt(path: string): Promise<Outline> {
  return outlineOf(await lstat(systemPath(path), { bigint: true }));
}

/** Nothing, and a failure, for what has gone since its name was read. */
async function lookAt(tree: Tree, root: string, relative: string): Promise<TreeEntry | undefined> {
  const path = join(root, relative);
  try {
    return { relative, ...(await outlineAt(path)) };
  } catch (error) {
    tree.fail(path, localFailure(error, path));
    return undefined;
  }
}
