/**
 * What can go wrong at a system call, as its manual page has it: an error that the call can
 * return, a count that is short, a disk that stays full from this call on, or the end of
 * the program before or after it.
 */
import type { Action, Plan, Point } from "./calls-tracer.ts";

/** How the lists of TESTING.md call it, with the error's name where there are several. */
export interface Fault {
  readonly title: string;
  readonly action: Action;
}

export interface Site {
  readonly point: Point;
  readonly fault: Fault;
}

export type Mode = "fail" | "kill" | "all";

const EIO: Fault = { title: "EIO", action: "error:5" };
const EACCES: Fault = { title: "EACCES", action: "error:13" };
const EMFILE: Fault = { title: "EMFILE", action: "error:24" };
const ENOSPC: Fault = { title: "ENOSPC", action: "error:28" };
const EDQUOT: Fault = { title: "EDQUOT", action: "error:122" };
const SHORT: Fault = { title: "short", action: "short" };
const FULL: Fault = { title: "full disk", action: "lasting:28" };
const KILL_BEFORE: Fault = { title: "kill before", action: "kill-before" };
const KILL_AFTER: Fault = { title: "kill after", action: "kill-after" };

const NO_ROOM = [ENOSPC, EDQUOT, FULL];
const ON_OPEN = [EIO, EACCES, EMFILE];
const ON_READ = [EIO, SHORT];
const ON_WRITE = [...NO_ROOM, EIO, SHORT];
const ON_SYNC = [EIO, ENOSPC, EDQUOT];
const ON_NAMES = [...NO_ROOM, EIO, EACCES];
const REFUSED = [EIO, EACCES];

interface CallRow {
  readonly failures: readonly Fault[];
  /** The program's end is another one before and after it. */
  readonly isChange: boolean;
}

const looks = (failures: readonly Fault[]): CallRow => ({ failures, isChange: false });
const changes = (failures: readonly Fault[]): CallRow => ({ failures, isChange: true });

const ROWS: Readonly<Record<string, CallRow>> = {
  open: looks(ON_OPEN),
  openat: looks(ON_OPEN),
  openat2: looks(ON_OPEN),
  "openat:create": changes([...ON_OPEN, ...NO_ROOM]),
  read: looks(ON_READ),
  pread64: looks(ON_READ),
  readv: looks(ON_READ),
  preadv: looks(ON_READ),
  write: changes(ON_WRITE),
  pwrite64: changes(ON_WRITE),
  writev: changes(ON_WRITE),
  pwritev: changes(ON_WRITE),
  fsync: changes(ON_SYNC),
  fdatasync: changes(ON_SYNC),
  ftruncate: changes([EIO, ENOSPC]),
  fallocate: changes([...NO_ROOM, EIO]),
  rename: changes(ON_NAMES),
  renameat: changes(ON_NAMES),
  renameat2: changes(ON_NAMES),
  link: changes(ON_NAMES),
  linkat: changes(ON_NAMES),
  unlink: changes(REFUSED),
  unlinkat: changes(REFUSED),
  mkdir: changes(ON_NAMES),
  mkdirat: changes(ON_NAMES),
  rmdir: changes(REFUSED),
  stat: looks(REFUSED),
  lstat: looks(REFUSED),
  fstat: looks([EIO]),
  newfstatat: looks(REFUSED),
  statx: looks(REFUSED),
  access: looks(REFUSED),
  faccessat: looks(REFUSED),
  faccessat2: looks(REFUSED),
  readlink: looks(REFUSED),
  readlinkat: looks(REFUSED),
  utimensat: changes(REFUSED),
  getdents64: looks([EIO]),
  close: looks([EIO, ENOSPC]),
  chmod: changes(REFUSED),
  fchmod: changes(REFUSED),
  fchmodat: changes(REFUSED),
  chown: changes(REFUSED),
  fchown: changes(REFUSED),
};

/** Everything that can go wrong at a point. @throws Error for a call that has no row */
export function sitesAt(point: Point, mode: Mode): Site[] {
  const row = ROWS[point.name];
  if (row === undefined) throw new Error(`no faults are known for ${point.name}`);
  const failures = mode === "kill" ? [] : row.failures;
  const kills = row.isChange ? [KILL_BEFORE, KILL_AFTER] : [KILL_BEFORE];
  const faults = mode === "fail" ? failures : [...failures, ...kills];
  return faults.map((fault) => ({ point, fault }));
}

export function planOf({ point, fault }: Site): Plan {
  return { point, action: fault.action };
}

export function isKill({ action }: Fault): boolean {
  return action.startsWith("kill-");
}

export function isLasting({ action }: Fault): boolean {
  return action.startsWith("lasting:");
}
