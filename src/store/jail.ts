/**
 * The way from a VirtualPath to open files and directories of one home, and to
 * nothing else.
 *
 * Who resolves the path is one of three ways; all of them refuse whatever leaves the
 * home, and every caller works on what was opened, never on the path again:
 *
 *   kernel  openat2 below the home; a link that stays in the home is followed
 *   walk    name by name through /proc/self/fd; every link is refused
 *   path    name by name by real paths, without /proc; a race remains (location.ts)
 *
 * Only regular files and directories are opened. A link into nothing, into itself or
 * out of the home is OUTSIDE_HOME, but for a dangling link that stays in the home,
 * which the kernel follows to NO_SUCH_PATH.
 */
import { FtpxError } from "../base/errors.ts";
import type { OpenFile } from "../base/openfile.ts";
import { HOME, leafOf, parentOf } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { kernelResolver, loadKernel } from "./kernel.ts";
import { HAS_PROC, Location, regularOnly } from "./location.ts";
import type { Directory } from "./location.ts";
import { WALK_RESOLVER, checkedBytes } from "./walk.ts";

export type Way = "kernel" | "walk" | "path";

/** How one way opens what lies below `home`. Whoever calls closes what comes out. */
export interface Resolver {
  openDirectory(home: Directory, path: VirtualPath): Promise<Directory>;
  /** For reading, without waiting; what kind of thing it is, is not looked at. */
  openEntry(home: Directory, path: VirtualPath): Promise<OpenFile>;
}

export interface Jail {
  /** @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY, OUTSIDE_HOME */
  openDirectory(path: VirtualPath): Promise<Directory>;
  /**
   * A regular file for reading; nothing in a home is ever opened for writing.
   * @throws FtpxError NO_SUCH_PATH, IS_A_DIRECTORY, NOT_A_FILE, OUTSIDE_HOME
   */
  openFile(path: VirtualPath): Promise<OpenFile>;
  /**
   * Where `path` is, or would be. The home itself has no place in its home.
   * @throws FtpxError FORBIDDEN, NO_SUCH_PATH, NOT_A_DIRECTORY, OUTSIDE_HOME
   */
  openParent(path: VirtualPath): Promise<Location>;
}

/** The best way that this system has. */
export function bestWay(): Way {
  if (!HAS_PROC) return "path";
  return loadKernel() === undefined ? "walk" : "kernel";
}

/**
 * @param home stays the caller's; must be open as long as the jail is used, and
 *             anchored unless the way is "path"
 */
export function openJail(home: Directory, way: Way = bestWay()): Jail {
  const resolver = resolverOf(way);
  return {
    openDirectory: (path) => resolver.openDirectory(home, path),

    openFile: async (path) => await regularOnly(await resolver.openEntry(home, path)),

    async openParent(path) {
      if (path === HOME) throw new FtpxError("FORBIDDEN");
      const name = checkedBytes(leafOf(path));
      return new Location(await resolver.openDirectory(home, parentOf(path)), name);
    },
  };
}

function resolverOf(way: Way): Resolver {
  if (way !== "kernel") return WALK_RESOLVER;
  const kernel = loadKernel();
  if (kernel === undefined) throw new FtpxError("BAD_CONFIG", { reason: "no openat2 here" });
  return kernelResolver(kernel);
}
