/**
 * Where a download goes: the file that a link leads to, and never in the place of what is no
 * file. Whether something may be replaced is the wish of whoever asked.
 */
import { lstat } from "node:fs/promises";
import { FtpxError } from "../base/errors.ts";
import { systemPath } from "../base/path.ts";
import { findNow, realPath } from "./copy.ts";
import type { CopyJob } from "./copy.ts";

/** The file that is to be there afterwards. @throws FtpxError LOCAL_EXISTS, IS_A_DIRECTORY, NOT_A_FILE */
export async function demandPlace({
  local,
  mayReplace,
}: Pick<CopyJob, "local" | "mayReplace">): Promise<string> {
  // Whoever copies a tree has looked at it a moment ago.
  if (findNow(local) === undefined) return local;
  // A link stays one: what it points to is replaced, as cp does.
  const path = await realPath(local).catch(() => undefined);
  if (path === undefined) throw new FtpxError("LOCAL_EXISTS", { path: local });
  const stats = await lstat(systemPath(path));
  if (stats.isDirectory()) throw new FtpxError("IS_A_DIRECTORY", { path: local });
  // The rename would put a plain file where /dev/null was.
  if (!stats.isFile()) throw new FtpxError("NOT_A_FILE", { path: local });
  if (!mayReplace) throw new FtpxError("LOCAL_EXISTS", { path: local });
  return path;
}
