/**
 * Names that Windows gives a meaning of its own: one name of a path of ours could there be
 * several, a device, a stream of another file, or another file. Server and client refuse them
 * there before a system call sees them.
 */

/** What Windows cannot have in a name: separators, streams, patterns, a dot or blank at the end. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const NOT_ON_WINDOWS = /[<>:"|?*\\\u0000-\u001f]|[. ]$/;

/** Devices in every directory of Windows, also with something behind a dot. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?: *\..*)?$/i;

/** Whether a name means on Windows what it says. */
export function fitsWindows(name: string): boolean {
  return !NOT_ON_WINDOWS.test(name) && !WINDOWS_DEVICE.test(name);
}
