/**
 * What ftpx asks of a system that not every system has, and whether it is to be used. The
 * portable way stands beside each use; ARCHITECTURE.md has the table of both.
 *
 * A build can go without: `--define FTPX_WITHOUT='"all"'`, or names with commas between. So
 * the same tests run on the portable ways where the others are there. It is no setting: an
 * executable has it from the day it was built, and no environment gives one away.
 */

/** Put in by the bundler and by `bun test`; nothing in what is released. */
declare const FTPX_WITHOUT: string | undefined;

/** By what they are called in FTPX_WITHOUT. */
export const SYSTEM_WAYS = [
  "openat2",
  "renameat2",
  "descriptor-paths",
  "held-files",
  "no-follow",
  "directory-flag",
  "directory-sync",
  "boot-id",
  "process-facts",
  "unix-socket",
  "thread-pool",
] as const;

export type SystemWay = (typeof SYSTEM_WAYS)[number];

const WITHOUT = typeof FTPX_WITHOUT === "string" ? FTPX_WITHOUT.split(",") : [];

/** What each needs of a platform; the others try, and find out. */
const NOT_ON_WINDOWS: readonly SystemWay[] = [
  "no-follow",
  "directory-flag",
  "directory-sync",
  "unix-socket",
];

/** Whether this build may use it here. That the system has it is for the caller to find out. */
export function mayUse(
  way: SystemWay,
  platform: NodeJS.Platform = process.platform,
  without: readonly string[] = WITHOUT,
): boolean {
  if (without.includes("all") || without.includes(way)) return false;
  return platform !== "win32" || !NOT_ON_WINDOWS.includes(way);
}
