/**
 * Names that a server gives, as names of files here. A server may be hostile or of
 * another platform: what would lead to another directory, or mean a device, is refused
 * before it comes near a path of this machine.
 */
import { FtpxError } from "../base/errors.ts";

/** One name within a directory, wherever that is. */
const NOT_A_LEAF = /^\.{0,2}$|[/\0]/;

/** What Windows cannot have in a name: separators, streams, patterns, a dot or blank at the end. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const NOT_ON_WINDOWS = /[<>:"|?*\\\u0000-\u001f]|[. ]$/;

/** Devices in every directory of Windows, also with something behind a dot. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?: *\..*)?$/i;

/** @throws FtpxError UNSAFE_NAME */
export function safeLeaf(name: string, platform: NodeJS.Platform = process.platform): string {
  const isUnsafe =
    NOT_A_LEAF.test(name) ||
    (platform === "win32" && (NOT_ON_WINDOWS.test(name) || WINDOWS_DEVICE.test(name)));
  if (isUnsafe) throw new FtpxError("UNSAFE_NAME", { path: name });
  return name;
}

/** Whether a server may list it: anything else is not shown where it could be typed. */
export function isLeaf(name: string): boolean {
  return !NOT_A_LEAF.test(name);
}
