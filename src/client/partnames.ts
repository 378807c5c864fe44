/**
 * What is called as not finished on this machine, or on either side of a sync: `.NAME.ftpx-part`,
 * a download; `.NAME.ftpx-part.log`, what is known of it (partlog.ts); `.NAME.ftpx-new`, what is
 * to take the place of something of another kind (successors.ts). Each lies beside what it is to
 * become, so that the rename stays on one file system; a name that would be too long is digested.
 */
import { basename, dirname, join } from "node:path";
import { NAME_BYTES_MAX } from "../base/limits.ts";
import { nameBytes } from "../base/path.ts";

export function partPathOf(destination: string): string {
  const leaf = basename(destination);
  const name = `.${leaf}.ftpx-part`;
  if (nameBytes(`${name}.log`).byteLength <= NAME_BYTES_MAX)
    return join(dirname(destination), name);
  return join(dirname(destination), `.${shortOf(leaf)}.ftpx-part`);
}

/**
 * Where something waits, on either side, that is to take the place of something of another
 * kind: `.NAME.ftpx-new`, beside it.
 *
 * @param relative names with `/` between them
 */
export function stagedBeside(relative: string): string {
  const above = relative.slice(0, relative.lastIndexOf("/") + 1);
  const leaf = relative.slice(above.length);
  const name = `.${leaf}.ftpx-new`;
  const isShort = nameBytes(name).byteLength <= NAME_BYTES_MAX;
  return above + (isShort ? name : `.${shortOf(leaf)}.ftpx-new`);
}

/** Whether something is called as what we have not finished: a download, its log, a successor. */
export function isPartName(name: string): boolean {
  return /^\..+\.ftpx-(?:part(?:\.log)?|new)$/su.test(name);
}

function shortOf(leaf: string): string {
  return new Bun.CryptoHasher("sha256").update(leaf).digest("hex").slice(0, 32);
}

export function logPathOf(part: string): string {
  return `${part}.log`;
}
