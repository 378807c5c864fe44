/**
 * Resolves a path name by name, each opened below the one before and none of them a
 * link: for systems without `openat2`. Links that stay in the home are refused too,
 * since following one safely would mean doing the kernel's work again.
 */
import { FtpxError } from "../base/errors.ts";
import { HOME, nameBytes, namesOf } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { fitsWindows } from "../base/windowsnames.ts";
import type { Resolver } from "./jail.ts";
import type { Directory } from "./location.ts";

export const WALK_RESOLVER: Resolver = {
  openDirectory: walk,

  async openEntry(home, path) {
    const names = namesOf(path).map((name) => checkedBytes(name));
    const last = names.pop();
    if (last === undefined) return await home.openEntry(Buffer.from("."));
    using parent = await descend(home, names);
    return await parent.openEntry(last);
  },
};

/**
 * The bytes of one name. `parsePath` lets no `.` and no `..` through; a name that is
 * used without the kernel's guard is looked at once more, because this is the last
 * place where it can be.
 */
export function checkedBytes(name: string, platform = process.platform): Uint8Array {
  if (name === "" || name === "." || name === "..") throw new FtpxError("OUTSIDE_HOME");
  if (name.includes("\0")) throw new FtpxError("BAD_PATH", { reason: "holds a NUL" });
  // There `a\..\..\b` is a way out, and `con` waits for somebody who types.
  if (platform === "win32" && !fitsWindows(name)) {
    throw new FtpxError("BAD_PATH", { reason: "is no name on the server's system" });
  }
  return nameBytes(name);
}

/** A path as seen from the home: `a/b` for `/a/b`, `.` for the home itself. */
export function relativeBytes(path: VirtualPath): Uint8Array {
  return nameBytes(path === HOME ? "." : path.slice(1));
}

function walk(home: Directory, path: VirtualPath): Promise<Directory> {
  return descend(
    home,
    namesOf(path).map((name) => checkedBytes(name)),
  );
}

async function descend(home: Directory, names: readonly Uint8Array[]): Promise<Directory> {
  let directory = await home.reopen();
  for (const name of names) {
    using above = directory;
    directory = await above.openChild(name);
  }
  return directory;
}
