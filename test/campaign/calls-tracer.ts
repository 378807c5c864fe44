/**
 * A program run by calls-tracer.c: the calls that it made on files of a folder, and the one
 * of them that was made to go wrong.
 *
 * The tracer is compiled when a campaign begins, with the C compiler of the machine. The
 * program dies with its tracer, and the tracer with this process, however that ends.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { BINARY } from "../e2e/binary.ts";
import type { Ran, Scene } from "../e2e/binary.ts";
import { openFilesOf } from "../support/process.ts";

/** One call as it was made. */
export interface Call {
  /** Of the system call; `openat:create` for an open that makes the file. */
  readonly name: string;
  /** Below the folder; what differs from run to run is `*`. */
  readonly place: string;
  readonly path: string;
  /** It was made to go wrong. */
  readonly isHit: boolean;
}

/** The nth call of a name at a place, counted over all threads from the program's start. */
export interface Point {
  readonly name: string;
  readonly place: string;
  readonly nth: number;
}

export type Action =
  | "none"
  | "short"
  | "kill-before"
  | "kill-after"
  | `error:${number}`
  | `lasting:${number}`;

export interface Plan {
  readonly point: Point;
  readonly action: Action;
}

const NO_PLAN: Plan = { point: { name: "-", place: "-", nth: 0 }, action: "none" };

/** What `128 + SIGKILL` says of a program that was killed. */
export const KILLED_STATUS = 137;

type Child = Subprocess<"ignore" | "pipe" | Blob, "pipe", "pipe">;

export class Tracer {
  readonly #folder: string;
  #logCount = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @param folder for the program and its logs
   * @throws Error when there is no C compiler, or it is not Linux on x86-64
   */
  static build(folder: string): Tracer {
    const source = join(import.meta.dir, "calls-tracer.c");
    const words = ["gcc", "-O1", "-Wall", "-o", join(folder, "tracer"), source];
    const { exitCode, stderr } = Bun.spawnSync(words);
    if (exitCode !== 0) throw new Error(`the tracer cannot be compiled: ${stderr.toString()}`);
    return new Tracer(folder);
  }

  /** Starts the executable; only calls on the scene's data directory are seen. */
  start(scene: Scene, words: readonly string[], plan = NO_PLAN, stdin?: string): Traced {
    const { point, action } = plan;
    const log = join(this.#folder, `log-${(this.#logCount += 1)}`);
    const where = [log, scene.data, point.name, point.place, String(point.nth), action];
    const program = [join(this.#folder, "tracer"), ...where, "--", BINARY, ...words];
    const child: Child = Bun.spawn(program, {
      cwd: scene.folder,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: scene.folder,
        FTPX_HOME: scene.path("home"),
        // Two threads: calls come in nearly the same order in every run.
        UV_THREADPOOL_SIZE: "1",
      },
      stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
    });
    return new Traced(child, log);
  }
}

export class Traced {
  readonly child: Child;
  readonly #log: string;

  constructor(child: Child, log: string) {
    this.child = child;
    this.#log = log;
  }

  /** All calls until now. */
  get calls(): Call[] {
    return readLines(this.#log).map(callOf);
  }

  get hit(): Call | undefined {
    return this.calls.find(({ isHit }) => isHit);
  }

  /** What the program has open below a folder. */
  openPaths(folder: string): string[] {
    const { pid } = this.child;
    const program = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return openFilesOf(Number(program))
      .filter((path) => path.startsWith(`${folder}/`))
      .map((path) => path.slice(folder.length + 1));
  }

  /** From now on calls succeed again that an action made fail one after the other. */
  lift(): void {
    this.child.kill("SIGUSR1");
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  /** Waits for the end of a command. */
  async ran(): Promise<Ran> {
    const [stdout, stderr, status] = await Promise.all([
      new Response(this.child.stdout).text(),
      new Response(this.child.stderr).text(),
      this.child.exited,
    ]);
    return { status, stdout, stderr };
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(0, -1);
  } catch {
    // The tracer has not begun yet.
    return [];
  }
}

function callOf(line: string): Call {
  const [name = "", place = "", path = ""] = line.split("\t");
  const isHit = name.startsWith("!");
  return { name: isHit ? name.slice(1) : name, place, path, isHit };
}
