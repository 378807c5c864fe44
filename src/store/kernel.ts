/**
 * What the system can do and Bun does not offer (only user of bun:ffi): `openat2`, which
 * resolves a path and refuses to leave a directory while it does, `renameat2`, which
 * does not replace, the size of the thread pool, whether a signal is ignored, and the access
 * lists of Windows.
 *
 * Both run on the calling thread, so no open may ever wait: O_NONBLOCK always. The C
 * library is loaded at the first use; where that fails, or the kernel or its filter
 * does not know the calls, `loadKernel` answers undefined and walk.ts does the work.
 */
import { FFIType, dlopen, ptr, read } from "bun:ffi";
import fs from "node:fs";
import { constants } from "node:os";
import { FtpxError } from "../base/errors.ts";
import { OpenFile } from "../base/openfile.ts";
import type { VirtualPath } from "../base/path.ts";
import { PATH_BYTES_MAX } from "../base/limits.ts";
import { mayUse } from "../base/ways.ts";
import type { Resolver } from "./jail.ts";
import { Directory, HAS_PROC, READ_FLAGS, refusalOf } from "./location.ts";
import { relativeBytes } from "./walk.ts";

export interface Kernel {
  /**
   * Opens `path` below the open directory `fd`; links are followed as long as they
   * stay below it. Throws a system error: EXDEV when the path leaves the directory.
   */
  openBeneath(fd: number, path: Uint8Array, flags: number): number;
  /** Renames by two open directories and a name in each. Throws a system error. */
  rename(fromFd: number, from: Uint8Array, toFd: number, to: Uint8Array, flags: number): void;
}

/** For `rename`: EEXIST when there is something at the target. */
export const RENAME_NOREPLACE = 1;
/** For `rename`: both names change places. */
export const RENAME_EXCHANGE = 2;

const OPENAT2 = 437;
const RENAMEAT2 = process.arch === "arm64" ? 276 : 316;
const AT_FDCWD = -100;
const RESOLVE_BENEATH = 0x08;
const RESOLVE_NO_MAGICLINKS = 0x02;
/** Not in `fs.constants`; the same on x64 and arm64. */
const O_CLOEXEC = 0o2_000_000;
const HOW_BYTES = 24;
const SIG_IGN = 1n;
/** More than any C library's `struct sigaction`. */
const SIGACTION_WORDS_MAX = 64;

/**
 * What the C library may be called: glibc's name, which musl's loader takes for its own too, then
 * what musl is called in Alpine and elsewhere. Windows has none that is needed here.
 */
export function librariesOf(platform: NodeJS.Platform, arch: string): readonly string[] {
  const machine = arch === "arm64" ? "aarch64" : "x86_64";
  if (platform === "linux") return ["libc.so.6", `libc.musl-${machine}.so.1`, "libc.so"];
  return platform === "darwin" ? ["libSystem.B.dylib"] : [];
}

const LIBRARIES = librariesOf(process.platform, process.arch);

/** A rename elsewhere while `..` of a link is resolved gives EAGAIN; openat2(2) says: again. */
const TRIES_MAX = 16;

/** Where glibc and musl keep a thread's errno. */
const ERRNO = "__errno_location";
/** Where a number has two names (EAGAIN, EWOULDBLOCK), either. */
const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, code]) => [code, name]));

let loaded: { readonly kernel: Kernel | undefined } | undefined;

export function loadKernel(): Kernel | undefined {
  loaded ??= { kernel: load() };
  return loaded.kernel;
}

/**
 * Gives file operations more threads than there are processors, because syncs wait for the
 * disk and everybody else's reads would wait behind them. Bun takes the size from the
 * environment when it uses the pool for the first time; `process.env` does not get that
 * far, so it is set where the C library keeps it. Whoever runs ftpx may set it first.
 */
export function widenThreadPool(threads: number): void {
  const size = "UV_THREADPOOL_SIZE";
  if (process.env[size] !== undefined || !mayUse("thread-pool")) return;
  callLibrary("setenv", [Buffer.from(`${size}\0`), Buffer.from(`${threads}\0`), 0]);
}

/**
 * Whether this process was started with a signal ignored, by sigaction(2): its answer begins with
 * the handler on every system that has one. Undefined where there is no C library.
 */
export function isSignalIgnored(number: number): boolean | undefined {
  const old = new BigUint64Array(SIGACTION_WORDS_MAX);
  return callLibrary("sigaction", [number, 0, old]) === 0 ? old[0] === SIG_IGN : undefined;
}

/** Protected from what the folder above allows; then full access for owner, system and administrators. */
const PRIVATE_LIST = "D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
const SDDL_REVISION = 1;
/** PROTECTED_DACL_SECURITY_INFORMATION and DACL_SECURITY_INFORMATION. */
const ITS_LIST = 0x8000_0004;

/**
 * What mode 0700 is elsewhere: on Windows a folder gets an access list that lets nobody else in,
 * and whatever is made in it later has it too. @returns false where that could not be done
 */
export function hideFolder(path: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== "win32") return true;
  const { i32, ptr: pointer, u32, u64 } = FFIType;
  try {
    const { symbols } = dlopen("advapi32.dll", {
      ConvertStringSecurityDescriptorToSecurityDescriptorW: {
        args: [pointer, u32, pointer, pointer],
        returns: i32,
      },
      SetFileSecurityW: { args: [pointer, u32, u64], returns: i32 },
    });
    const descriptor = new BigUint64Array(1);
    const list = ptr(wideText(PRIVATE_LIST));
    const convert = symbols.ConvertStringSecurityDescriptorToSecurityDescriptorW;
    if (convert(list, SDDL_REVISION, ptr(descriptor), null) === 0) return false;
    return symbols.SetFileSecurityW(ptr(wideText(path)), ITS_LIST, descriptor[0] ?? 0n) !== 0;
  } catch {
    return false; // without bun:ffi, as on arm64
  }
}

function wideText(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf16le");
}

/** Resolves by `openat2`: a link that stays in the home is followed, any other refused. */
export function kernelResolver(kernel: Kernel): Resolver {
  const open = (home: Directory, path: VirtualPath, flags: number): OpenFile => {
    try {
      return new OpenFile(kernel.openBeneath(home.fd, relativeBytes(path), flags));
    } catch (error) {
      throw refusalOf(error);
    }
  };
  return {
    openDirectory: async (home, path) =>
      new Directory(open(home, path, READ_FLAGS | fs.constants.O_DIRECTORY), undefined),
    openEntry: async (home, path) => open(home, path, READ_FLAGS),
  };
}

function load(): Kernel | undefined {
  if (!HAS_PROC || !mayUse("openat2")) return undefined;
  for (const library of LIBRARIES) {
    const libc = openLibrary(library);
    if (libc !== undefined) return isGuarding(libc) ? libc : undefined;
  }
  return undefined;
}

function openLibrary(name: string): Kernel | undefined {
  const word = FFIType.i64;
  try {
    const libc = dlopen(name, {
      syscall: { args: [word, word, word, word, word, word], returns: FFIType.i64_fast },
      [ERRNO]: { args: [], returns: FFIType.ptr },
    });
    return systemCalls(libc.symbols.syscall, libc.symbols[ERRNO]);
  } catch {
    return undefined; // not the C library of this system
  }
}

type Syscall = (...words: [number, number, number, number, number, number]) => number | bigint;

function systemCalls(syscall: Syscall, errnoLocation: () => unknown): Kernel {
  // Kept for good: what a call reads must not be collected while it runs. `errno` has a
  // fixed place in each thread, so reading it costs no second call that might change it.
  const how = new BigUint64Array(HOW_BYTES / 8);
  const paths = [Buffer.alloc(PATH_BYTES_MAX + 1), Buffer.alloc(PATH_BYTES_MAX + 1)] as const;
  const addresses = [ptr(paths[0]), ptr(paths[1])] as const;
  const howAddress = ptr(how);
  const errno = errnoLocation() as Parameters<typeof read.i32>[0];

  const call = (...words: Parameters<Syscall>): number => {
    for (let tries = 1; ; tries += 1) {
      const result = Number(syscall(...words));
      if (result !== -1) return result;
      const number = read.i32(errno, 0);
      const isPassing = number === constants.errno.EAGAIN || number === constants.errno.EINTR;
      if (!isPassing || tries === TRIES_MAX) throw systemError(ERRNO_NAMES.get(number) ?? "?");
    }
  };

  return {
    openBeneath(fd, path, flags) {
      writePath(paths[0], path);
      how[0] = BigInt(flags | O_CLOEXEC);
      how[1] = 0n;
      how[2] = BigInt(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
      return call(OPENAT2, fd, addresses[0], howAddress, HOW_BYTES, 0);
    },
    rename(fromFd, from, toFd, to, flags) {
      writePath(paths[0], from);
      writePath(paths[1], to);
      call(RENAMEAT2, fromFd, addresses[0], toFd, addresses[1], flags);
    },
  };
}

/** C ends a path at its first NUL: `a\0b` would silently be `a`. */
function writePath(into: Buffer, path: Uint8Array): void {
  if (path.includes(0)) throw new FtpxError("BAD_PATH", { reason: "holds a NUL" });
  if (path.byteLength >= into.byteLength) throw systemError("ENAMETOOLONG");
  into.set(path);
  into[path.byteLength] = 0;
}

/** Old kernels answer ENOSYS, filters of containers often EPERM; what works refuses `/`. */
function isGuarding(kernel: Kernel): boolean {
  try {
    fs.closeSync(kernel.openBeneath(AT_FDCWD, Buffer.from("/"), READ_FLAGS));
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "EXDEV";
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/**
 * Calls a function of the C library that takes whole numbers and addresses and answers an int,
 * for what a process asks once in its life.
 *
 * @param words what is an array stands for its address
 * @returns -1 too where there is no such function
 */
export function callLibrary(name: string, words: readonly (number | NodeJS.TypedArray)[]): number {
  for (const library of LIBRARIES) {
    try {
      const args = words.map(() => FFIType.i64);
      const { symbols } = dlopen(library, { [name]: { args, returns: FFIType.i32 } });
      const given = words.map((word) => (typeof word === "number" ? word : ptr(word)));
      return symbols[name]?.(...given) ?? -1;
    } catch {
      continue; // not the C library of this system
    }
  }
  return -1;
}

/** Where bytes lie, for a structure that names them; they must be held as long as it is used. */
export function addressOf(bytes: NodeJS.TypedArray): number {
  return ptr(bytes);
}
