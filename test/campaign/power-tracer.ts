/**
 * Runs the executable under strace and reads back what it did to files: its system calls
 * in the order in which they ended, with the bytes that they wrote.
 *
 * strace runs as a grandchild (-D), so signals, exit status and pipes are the program's own.
 * What the calls mean for a disk is power-history.ts.
 */
import { existsSync, readFileSync } from "node:fs";
import type { Subprocess } from "bun";
import { BINARY } from "../e2e/binary.ts";
import type { Scene } from "../e2e/binary.ts";

/** Longer pieces of content are completed from the files they come from. */
const SHOWN_BYTES = 16 * 1024;

/**
 * What changes files, what says something to somebody, and what would change files in a way
 * that the history does not know: it refuses a record with one of those.
 */
const TRACED = [
  ["open", "openat", "openat2", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2"],
  ["unlink", "unlinkat", "rmdir", "truncate", "ftruncate"],
  ["write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync", "fdatasync", "sendto"],
  ["link", "linkat", "symlink", "symlinkat", "fallocate", "copy_file_range", "sendfile"],
  ["splice", "sync_file_range", "sync", "syncfs", "io_uring_setup"],
].flat();

export interface Call {
  readonly program: Traced;
  readonly name: string;
  /** As strace writes them; every string in hex. */
  readonly args: string;
  readonly result: string;
}

/** A call that another thread's came into shows twice; any other only when it has ended. */
export interface Entry {
  /** Wall clock. */
  readonly atMs: number;
  readonly thread: string;
  readonly isEnd: boolean;
  readonly call: Call;
}

type Child = Subprocess<"ignore" | "pipe" | Blob, "pipe", "pipe">;

export class Traced {
  readonly process: Child;
  readonly #log: string;

  /** @param log where strace writes; a new file */
  constructor(scene: Scene, log: string, words: readonly string[], stdin?: string) {
    const tracing = ["-D", "-f", "--seccomp-bpf", "-ttt", "-y", "-xx", "-s", String(SHOWN_BYTES)];
    const strace = ["strace", ...tracing, "-o", log, "-e", `trace=${TRACED.join(",")}`];
    this.#log = log;
    this.process = Bun.spawn([...strace, BINARY, ...words], {
      cwd: scene.folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: scene.folder, FTPX_HOME: scene.path("home") },
      stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** The whole record; waits for the program's end. */
  async entries(): Promise<Entry[]> {
    const status = await this.process.exited;
    if (!existsSync(this.#log)) throw new Error(`strace did not run: status ${status}`);
    const { pid } = this.process;
    const last = new RegExp(`^${pid} +\\S+ \\+\\+\\+ `, "m");
    for (;;) {
      const text = readFileSync(this.#log, "latin1");
      if (last.test(text.slice(-64 * 1024))) return this.#parse(text);
      // The tracer is nobody's child that could be waited for.
      await Bun.sleep(5);
    }
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
  }

  #parse(text: string): Entry[] {
    const entries: Entry[] = [];
    /** By thread: the front of a call that goes on. */
    const fronts = new Map<string, string>();
    for (const line of text.split("\n")) {
      const [, thread = "", seconds = "", rest = ""] = LINE.exec(line) ?? [];
      const resumed = RESUMED.exec(rest);
      const isBegun = rest.endsWith(UNFINISHED);
      const front = isBegun ? rest.slice(0, -UNFINISHED.length) : rest;
      const whole = resumed === null ? front : (fronts.get(thread) ?? "") + (resumed[1] ?? "");
      if (isBegun) fronts.set(thread, front);
      const call = this.#callOf(whole, !isBegun);
      const atMs = Number(seconds) * 1000;
      if (call !== undefined) entries.push({ atMs, thread, isEnd: !isBegun, call });
    }
    return entries;
  }

  #callOf(text: string, isEnded: boolean): Call | undefined {
    const open = text.indexOf("(");
    const equals = isEnded ? text.lastIndexOf(" = ") : text.length;
    // Signals and exits.
    if (!/^\w/.test(text) || open < 0 || equals < 0) return undefined;
    const name = text.slice(0, open);
    const args = text.slice(open + 1, equals).trimEnd();
    return { program: this, name, args, result: text.slice(equals + 3) };
  }
}

const LINE = /^(\d+) +(\d+\.\d+) (.*)$/;
const RESUMED = /^<\.\.\. \w+ resumed>(.*)$/;
const UNFINISHED = " <unfinished ...>";

/** Bytes of a string in hex as strace writes it. */
export function bytesOfHex(hex: string): Buffer<ArrayBuffer> {
  return Buffer.from(hex.replaceAll("\\x", ""), "hex");
}
