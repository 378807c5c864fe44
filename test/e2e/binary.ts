/**
 * The compiled executable as its users start it: a server on port 0 in a scratch folder,
 * commands with their exit status and output.
 *
 * Everything that is started here is ended by `Scene.end`.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { CuttableLine } from "./line.ts";

/** FTPX_BINARY names another one: a copy that is not rebuilt meanwhile, or one with a planted bug. */
export const BINARY = process.env["FTPX_BINARY"] ?? join(import.meta.dir, "../../dist/ftpx");

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** So many at most, by `prlimit`. */
  readonly descriptors?: number;
  /** Another executable than the one under test. */
  readonly binary?: string;
}

type Child = Subprocess<"ignore" | "pipe" | Blob, "pipe", "pipe">;

/** One scratch folder with a data directory, a client's home and what runs in them. */
export class Scene {
  readonly folder: string;
  /** What this scene starts; another one than that of all scenes where a test says so. */
  binary = BINARY;
  readonly #children = new Set<Child>();
  readonly #lines: CuttableLine[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async begin(): Promise<Scene> {
    return new Scene(await mkdtemp(join(tmpdir(), "ftpx-e2e-")));
  }

  get data(): string {
    return join(this.folder, "data");
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  async end(): Promise<void> {
    for (const line of this.#lines) line.close();
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all([...this.#children].map((child) => child.exited));
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Starts the executable without waiting for its end. */
  start(words: readonly string[], options: RunOptions = {}): Child {
    const { stdin, env = {}, cwd = this.folder, descriptors, binary = this.binary } = options;
    const limited = descriptors === undefined ? [] : ["prlimit", `--nofile=${descriptors}`];
    const child: Child = Bun.spawn([...limited, binary, ...words], {
      cwd,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: this.folder,
        FTPX_HOME: this.path("home"),
        ...env,
      },
      stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#children.add(child);
    void child.exited.then(() => this.#children.delete(child));
    return child;
  }

  /** Runs a command to its end. */
  async run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const child = this.start(words, options);
    const [stdout, stderr, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { status, stdout, stderr };
  }

  async addUser(name: string, password: string, ...options: string[]): Promise<void> {
    const words = ["useradd", name, "--password-stdin", "--data", this.data, ...options];
    const { status, stderr } = await this.run(words, { stdin: `${password}\n` });
    if (status !== 0) throw new Error(`useradd ${name}: ${status} ${stderr}`);
  }

  /** Runs a command of the operator's on the data directory to its end. */
  async operate(...words: string[]): Promise<Ran> {
    return await this.run([...words, "--data", this.data]);
  }

  async serve(...options: string[]): Promise<Server> {
    const words = ["serve", "--json", "--data", this.data, "--listen", "127.0.0.1:0", ...options];
    return await Server.open(this.start(words));
  }

  /** A TCP line to a port of this machine that can be cut. */
  line(port: number): CuttableLine {
    const line = new CuttableLine(port);
    this.#lines.push(line);
    return line;
  }
}

/** An event of `serve --json`. */
export interface ServerLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

export class Server {
  readonly process: Child;
  readonly port: number;
  readonly fingerprint: string;
  readonly events: ServerLine[];
  /** All of it, when the server has ended. */
  readonly stderr: Promise<string>;
  #wake: () => void = () => {};
  #metricsPort: number | undefined;

  private constructor(
    process: Child,
    opened: ServerLine,
    events: ServerLine[],
    stderr: Promise<string>,
  ) {
    this.process = process;
    this.port = Number(opened["port"]);
    this.fingerprint = String(opened["fingerprint"]);
    this.stderr = stderr;
    this.events = events;
  }

  static async open(process: Child): Promise<Server> {
    const events: ServerLine[] = [];
    const stderr = new Response(process.stderr).text();
    const listening = Promise.withResolvers<Server>();
    let server: Server | undefined;
    const follow = async () => {
      for await (const line of linesOf(process.stdout)) {
        const event = JSON.parse(line) as ServerLine;
        events.push(event);
        if (event.event === "listening") {
          server = new Server(process, event, events, stderr);
          listening.resolve(server);
        }
        if (server !== undefined) server.#wake();
      }
      listening.reject(new Error(`no server: ${await stderr}`));
    };
    void follow();
    return await listening.promise;
  }

  /** A target of this server that pins its key. */
  target(user: string, path = "/", port = this.port): string {
    return `ftpx://${user}@127.0.0.1:${port}${path}#${this.fingerprint}`;
  }

  /** Waits for an event, past ones too. */
  async event(
    name: string,
    fits: (event: ServerLine) => boolean = () => true,
  ): Promise<ServerLine> {
    for (;;) {
      const found = this.events.find((event) => event.event === name && fits(event));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits for the event of that name that is the nth, counted from 1. */
  async nth(name: string, count: number): Promise<ServerLine> {
    for (;;) {
      const found = this.events.filter((event) => event.event === name)[count - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** A gauge or counter without labels, of a server with `--metrics`; its connection ends with it. */
  async metric(name: string): Promise<number> {
    this.#metricsPort ??= Number((await this.event("listening-metrics"))["port"]);
    const place = `http://127.0.0.1:${this.#metricsPort}/metrics`;
    const text = await (await fetch(place, { headers: { connection: "close" } })).text();
    const line = text.split("\n").find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  /** Does what changes accounts.toml, and waits until the server has taken it. */
  async reloadAfter<Answer>(change: () => Promise<Answer>): Promise<Answer> {
    const before = this.events.filter(({ event }) => event === "reload").length;
    const answer = await change();
    await this.nth("reload", before + 1);
    return answer;
  }

  /** SIGTERM, and the exit status. */
  async stop(): Promise<number> {
    this.process.kill("SIGTERM");
    return await this.process.exited;
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
  }
}

let lastAddress = 0x7f_01_00_00;

/**
 * An address of this machine from which nobody has come yet: what a client does there is held
 * against nobody else. For `--bind`, and for Endpoint.localAddress.
 */
export function freshAddress(): string {
  lastAddress += 1;
  const part = (shift: number) => (lastAddress >> shift) & 255;
  return [part(24), part(16), part(8), part(0)].join(".");
}

export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** A file of random bytes; answers its SHA-256. */
export function makeFile(path: string, bytes: number, seed = 1): string {
  const hasher = new Bun.CryptoHasher("sha256");
  const fd = openSync(path, "w");
  const block = new Uint32Array(256 * 1024);
  let state = seed;
  for (let written = 0; written < bytes; written += block.byteLength) {
    for (let index = 0; index < block.length; index += 1) {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
      block[index] = state;
    }
    const piece = new Uint8Array(block.buffer, 0, Math.min(block.byteLength, bytes - written));
    hasher.update(piece);
    writeSync(fd, piece);
  }
  closeSync(fd);
  return hasher.digest("hex");
}

export async function sha256Of(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const bytes of Bun.file(path).stream()) hasher.update(bytes);
  return hasher.digest("hex");
}
