/**
 * The compiled executable as its users start it: a server on port 0 in a scratch folder,
 * commands with their exit status and output, and a TCP line that can be cut.
 *
 * Everything that is started here is ended by `Scene.end`.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket, Subprocess, TCPSocketListener } from "bun";

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
}

type Child = Subprocess<"ignore" | "pipe" | Blob, "pipe", "pipe">;

/** One scratch folder with a data directory, a client's home and what runs in them. */
export class Scene {
  readonly folder: string;
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
  start(words: readonly string[], { stdin, env = {}, cwd = this.folder }: RunOptions = {}): Child {
    const child: Child = Bun.spawn([BINARY, ...words], {
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

/** A TCP proxy that counts what goes towards the server and can break what is open. */
export class CuttableLine {
  readonly #target: number;
  readonly #listener: TCPSocketListener<Ends>;
  readonly #open = new Set<Socket<Ends>>();
  toServerBytes = 0;
  toClientBytes = 0;
  /** Nothing goes back to the client any more after so many bytes towards the server. */
  deafAfterBytes = Number.POSITIVE_INFINITY;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Bun.listen<Ends>({
      hostname: "127.0.0.1",
      port: 0,
      data: undefined as unknown as Ends,
      socket: {
        open: (socket) => this.#accept(socket),
        data: (socket, bytes) => {
          this.toServerBytes += bytes.byteLength;
          forward(socket.data.toOther, bytes, socket);
        },
        drain: (socket) => flush(socket.data.toSelf),
        close: (socket) => {
          this.#open.delete(socket);
          socket.data.toOther.socket?.terminate();
        },
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Breaks every open connection, as a pulled cable and a reset would. */
  cut(): void {
    for (const socket of this.#open) socket.terminate();
  }

  close(): void {
    this.cut();
    this.#listener.stop(true);
  }

  #accept(socket: Socket<Ends>): void {
    this.#open.add(socket);
    const toSelf: Lane = { socket, waiting: [], source: undefined };
    const toOther: Lane = { socket: undefined, waiting: [], source: socket };
    socket.data = { toSelf, toOther };
    void Bun.connect({
      hostname: "127.0.0.1",
      port: this.#target,
      socket: {
        open: (other) => {
          toOther.socket = other;
          toSelf.source = other;
          // The client has gone in the meantime, and nobody else closes this one.
          if (!this.#open.has(socket)) other.terminate();
          flush(toOther);
        },
        data: (other, bytes) => {
          this.toClientBytes += bytes.byteLength;
          if (this.toServerBytes >= this.deafAfterBytes) return;
          forward(toSelf, bytes, other);
        },
        drain: () => flush(toOther),
        close: () => socket.terminate(),
      },
    }).catch(() => socket.terminate());
  }
}

type AnySocket = Pick<Socket<unknown>, "write" | "pause" | "resume" | "terminate">;

interface Lane {
  socket: AnySocket | undefined;
  waiting: Uint8Array[];
  /** Paused while something waits. */
  source: AnySocket | undefined;
}

interface Ends {
  toSelf: Lane;
  toOther: Lane;
}

function forward(lane: Lane, bytes: Uint8Array, source: AnySocket): void {
  lane.waiting.push(bytes);
  flush(lane);
  if (lane.waiting.length > 0) source.pause();
}

function flush(lane: Lane): void {
  while (lane.socket !== undefined) {
    const [first] = lane.waiting;
    if (first === undefined) {
      lane.source?.resume();
      return;
    }
    const taken = lane.socket.write(first, 0, first.byteLength);
    if (taken < 0) return;
    lane.waiting.shift();
    if (taken < first.byteLength) {
      lane.waiting.unshift(first.subarray(taken));
      return;
    }
  }
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
