/**
 * The two ways in which a client of soak.ts does things: the library in this process, over one
 * connection that stays, and the compiled executable, a process for each command.
 *
 * Both say what they saw in the same words, so that the same client can compare it with what
 * it knows. What is no success throws.
 */
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { anyJsonLines } from "../support/jsonlines.ts";
import { hexOf } from "../support/octets.ts";
import type { CuttableLine } from "../e2e/line.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { getOnce, kindOf, putOnce, runClient } from "./rounds-peers.ts";
import type { Guest } from "./rounds-peers.ts";

/** What a client does, on absolute paths of its home. */
export interface Hands {
  put(local: string, path: string): Promise<void>;
  get(path: string, local: string): Promise<void>;
  /** Names, sorted. */
  list(path: string): Promise<string[]>;
  size(path: string): Promise<number>;
  /** SHA-256 of the whole file, in hex, as the server computes it. */
  digest(path: string): Promise<string>;
  move(from: string, to: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  makeDir(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Signs off, and in again where there is a connection that stays. */
  again(): Promise<void>;
  /** A put whose line is cut on the way, and once more; only where there is a line. */
  putCut?(local: string, path: string, share: number): Promise<void>;
  /** Connections that stay. */
  readonly openCount: number;
  close(): void;
}

/** A server notices a cut line at once; it may still be at the content that came before. */
const BUSY_MS_MAX = 20_000;

export class LibraryHands implements Hands {
  readonly #guest: Guest;
  readonly #server: Server;
  readonly #line: CuttableLine;
  #client: Client | undefined;

  constructor(guest: Guest, server: Server, line: CuttableLine) {
    this.#guest = guest;
    this.#server = server;
    this.#line = line;
  }

  get openCount(): number {
    return this.#client?.isOpen === true ? 1 : 0;
  }

  async #open(): Promise<Client> {
    if (this.#client?.isOpen === true) return this.#client;
    this.#client = await this.#guest.signIn(this.#server, this.#line.port);
    return this.#client;
  }

  async put(local: string, path: string): Promise<void> {
    await putOnce(await this.#open(), local, path);
  }

  async get(path: string, local: string): Promise<void> {
    await getOnce(await this.#open(), path, local);
  }

  async list(path: string): Promise<string[]> {
    const client = await this.#open();
    const names: string[] = [];
    for (let cursor = 0; ;) {
      const page = await client.call("list", { path: parsePath(path), cursor });
      names.push(...page.entries.map(({ name }) => name));
      cursor = page.cursor;
      if (cursor === 0) return names.toSorted();
    }
  }

  async size(path: string): Promise<number> {
    const { bytes } = await (await this.#open()).call("stat", { path: parsePath(path) });
    return bytes;
  }

  async digest(path: string): Promise<string> {
    const client = await this.#open();
    const reply = await client.call("digest", { path: parsePath(path), algorithm: "sha256" });
    return hexOf(reply.digest);
  }

  async move(from: string, to: string): Promise<void> {
    const names = { from: parsePath(from), to: parsePath(to) };
    await (await this.#open()).call("move", { ...names, mayReplace: true });
  }

  async copy(from: string, to: string): Promise<void> {
    const names = { from: parsePath(from), to: parsePath(to) };
    await (await this.#open()).call("copy", { ...names, mayReplace: true });
  }

  async makeDir(path: string): Promise<void> {
    await (await this.#open()).call("makeDir", { path: parsePath(path), withParents: false });
  }

  async remove(path: string): Promise<void> {
    await (await this.#open()).call("remove", { path: parsePath(path), isRecursive: true });
  }

  async again(): Promise<void> {
    this.close();
    await this.#open();
  }

  async putCut(local: string, path: string, share: number): Promise<void> {
    const client = await this.#open();
    const onProgress = (doneBytes: number, totalBytes: number) => {
      if (doneBytes >= share * totalBytes) this.#line.cut();
    };
    await kindOf(putOnce(client, local, path, { onProgress }));
    const deadlineMs = performance.now() + BUSY_MS_MAX;
    for (;;) {
      const outcome = await kindOf(putOnce(await this.#open(), local, path));
      if (outcome === "done") return;
      // A cut at the very end is heard of when the first put has ended well already.
      const mayPass = outcome === "UPLOAD_BUSY" || outcome === "CONNECTION_LOST";
      if (!mayPass || performance.now() > deadlineMs)
        throw new Error(`put ${path} after a cut: ${outcome}`);
      await Bun.sleep(50);
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

interface Line {
  readonly name?: string;
  readonly bytes?: number;
  readonly digest?: string;
}

export class BinaryHands implements Hands {
  readonly openCount = 0;
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #user: string;
  readonly #options: readonly string[];

  /** @param options of each command, as `--key FILE` */
  constructor(scene: Scene, server: Server, user: string, options: readonly string[] = []) {
    this.#scene = scene;
    this.#server = server;
    this.#user = user;
    this.#options = options;
  }

  /** Each line that a command says, when it ends well. */
  async #run(...words: string[]): Promise<Line[]> {
    const all = [...words, "--json", ...this.#options];
    const { status, stdout, stderr } = await runClient(this.#scene, all);
    if (status !== 0) throw new Error(`${words.join(" ")}: status ${status}: ${stderr}`);
    return anyJsonLines<Line>(stdout);
  }

  #target(path: string): string {
    return this.#server.target(this.#user, path);
  }

  async put(local: string, path: string): Promise<void> {
    await this.#run("put", local, this.#target(path));
  }

  async get(path: string, local: string): Promise<void> {
    await this.#run("get", this.#target(path), local);
  }

  async list(path: string): Promise<string[]> {
    const lines = await this.#run("ls", this.#target(path));
    return lines.map(({ name = "" }) => name).toSorted();
  }

  async size(path: string): Promise<number> {
    const [line] = await this.#run("stat", this.#target(path));
    return line?.bytes ?? -1;
  }

  async digest(path: string): Promise<string> {
    const [line] = await this.#run("digest", this.#target(path));
    return (line?.digest ?? "").replace(/^sha256:/, "");
  }

  async move(from: string, to: string): Promise<void> {
    await this.#run("mv", this.#target(from), to);
  }

  async copy(from: string, to: string): Promise<void> {
    await this.#run("cp", this.#target(from), to);
  }

  async makeDir(path: string): Promise<void> {
    await this.#run("mkdir", this.#target(path));
  }

  async remove(path: string): Promise<void> {
    await this.#run("rm", "-r", this.#target(path));
  }

  async again(): Promise<void> {
    await this.#run("quota", this.#target("/"));
  }

  close(): void {}
}
