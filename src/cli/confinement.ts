/**
 * What a process gives up before it handles secrets or strangers: its memory is no file of
 * anybody's, what it makes is private, and a server starts no program, whatever happens in it.
 *
 * The umask is the command's and comes back after it, because a menu runs others then; the rest
 * lasts until the process ends. A system that does not know one of these keeps the others; what
 * a server may do otherwise is its unit's to say (systemd.ts).
 */
import { addressOf, callLibrary } from "../store/kernel.ts";

const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const RLIMIT_CORE = 4;
const PRIVATE_UMASK = 0o077;

/**
 * Keeps the memory from core files and from others of the same user's processes: there are
 * passwords and keys in it. Not inherited by programs that the shell's `!` starts. With
 * FTPX_DEBUG a debugger may look on.
 */
export function guardMemory(): void {
  if ((process.env["FTPX_DEBUG"] ?? "") !== "") return;
  if (process.platform === "linux") callLibrary("prctl", [PR_SET_DUMPABLE, 0, 0, 0, 0]);
  else if (process.platform !== "win32") forbidCores();
}

/** Runs work whose files are nobody else's, whatever was inherited. */
export async function keepingPrivate<Value>(work: () => Promise<Value>): Promise<Value> {
  const inherited = process.umask(PRIVATE_UMASK);
  try {
    return await work();
  } finally {
    process.umask(inherited);
  }
}

/** Before the first file, thread and connection of a server. */
export function confineServer(): void {
  if (process.platform !== "win32") forbidCores();
  if (process.platform !== "linux") return;
  if (callLibrary("prctl", [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]) === 0) forbidPrograms();
}

function forbidCores(): void {
  callLibrary("setrlimit", [RLIMIT_CORE, new BigUint64Array([0n, 0n])]);
}

/** What a filter of system calls is told by: numbers of <linux/audit.h> and <asm/unistd.h>. */
const MACHINES = {
  x64: { audit: 0xc000_003e, seccomp: 317, execve: 59, execveat: 322 },
  arm64: { audit: 0xc000_00b7, seccomp: 277, execve: 221, execveat: 281 },
} as const;

const SET_MODE_FILTER = 1;
/** All threads that there are, and no slower processor for it. */
const FLAGS_WANTED = [0b101, 0b001];

const LOAD = 0x20;
const IF_EQUAL = 0x15;
const IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
/** EPERM, as from a system call. */
const DENY = 0x0005_0001;
/** Where the number of the call and the machine stand in what a filter sees. */
const CALL = 0;
const MACHINE = 4;
/** The 32-bit calls of x64, by other numbers. */
const FOREIGN_CALLS = 0x4000_0000;

/** `execve` and `execveat` fail from now on, in every thread and for good (seccomp(2)). */
function forbidPrograms(): void {
  const machine = process.arch === "x64" || process.arch === "arm64" ? process.arch : undefined;
  if (machine === undefined) return;
  const filter = filterOf(MACHINES[machine]);
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, filter.byteLength / 8, true);
  const program = new BigUint64Array(view.buffer);
  program[1] = BigInt(addressOf(filter));
  for (const flags of FLAGS_WANTED) {
    const words = [MACHINES[machine].seccomp, SET_MODE_FILTER, flags, program];
    if (callLibrary("syscall", words) === 0) return;
  }
}

/** Instructions of 8 bytes: what, how far to go on when it holds and when not, a number. */
function filterOf({ audit, execve, execveat }: (typeof MACHINES)["x64" | "arm64"]): Uint8Array {
  const steps: readonly (readonly [number, number, number, number])[] = [
    [LOAD, 0, 0, MACHINE],
    [IF_EQUAL, 0, 5, audit],
    [LOAD, 0, 0, CALL],
    [IF_AT_LEAST, 3, 0, FOREIGN_CALLS],
    [IF_EQUAL, 2, 0, execve],
    [IF_EQUAL, 1, 0, execveat],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, DENY],
  ];
  const bytes = new Uint8Array(steps.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, [what, ifSo, ifNot, number]] of steps.entries()) {
    view.setUint16(index * 8, what, true);
    view.setUint8(index * 8 + 2, ifSo);
    view.setUint8(index * 8 + 3, ifNot);
    view.setUint32(index * 8 + 4, number, true);
  }
  return bytes;
}
