/**
 * Names that a server gives, as names of files here. A server may be hostile or of
 * another platform: what would lead to another directory, or mean a device, is refused
 * before it comes near a path of this machine.
 */
import { FtpxError } from "../base/errors.ts";
import { fitsWindows } from "../base/windowsnames.ts";

/** One name within a directory, wherever that is. */
const NOT_A_LEAF = /^\.{0,2}$|[/\0]/;

/** @throws FtpxError UNSAFE_NAME */
export function safeLeaf(name: string, platform: NodeJS.Platform = process.platform): string {
  const isUnsafe = NOT_A_LEAF.test(name) || (platform === "win32" && !fitsWindows(name));
  if (isUnsafe) throw new FtpxError("UNSAFE_NAME", { path: name });
  return name;
}

/** Whether a server may list it: anything else is not shown where it could be typed. */
export function isLeaf(name: string): boolean {
  return !NOT_A_LEAF.test(name);
}
