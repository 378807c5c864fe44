/**
 * Transfers that are cut off at some 60 % and run again: what e2e/proof.e2e.ts stands on.
 *
 * A put is stalled by a line that lets no acknowledgement through, a get by one that lets
 * nothing through at all, so each is cut at three chunks and a tail however loaded the
 * machine is. Commands are the compiled client's, unless their name says otherwise.
 */
import { expect } from "bun:test";
import fs from "node:fs";
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import type { Copied, CopyJob } from "../../src/client/copy.ts";
import { uploadOnce } from "../../src/client/put.ts";
import { makeFile, Scene } from "../e2e/binary.ts";
import type { Ran, Server } from "../e2e/binary.ts";
import type { CuttableLine } from "../e2e/line.ts";
import { signedIn } from "../e2e/wire.ts";
import { jobOf } from "../support/job.ts";
import { openFilesOf } from "../support/process.ts";
import { until } from "./rounds-peers.ts";
import { CHUNK_BYTES, digestOf, flip, MIB, modifiedMsOf, setTime, sizeOf } from "./proof-files.ts";

export const FILE_BYTES = 5 * CHUNK_BYTES;
/** TLS, sign-in, frames and digests. */
export const LITTLE_BYTES = 0.5 * MIB;

const NOTED_BYTES = 3 * CHUNK_BYTES;
/** With a tail behind the chunks. */
const CUT_BYTES = NOTED_BYTES + 2 * MIB;
/** Whatever is waited for; a loaded machine is slow. */
const WAIT_MS_MAX = 30_000;

export const ENV = { FTPX_PASSWORD: "pw" } as const;

export type Verb = "put" | "get";

export interface Place {
  readonly verb: Verb;
  readonly user: string;
  readonly path: string;
  /** The path on the server's disk. */
  readonly stored: string;
  readonly local: string;
}

/** A transfer that was cut off. */
export interface CutOff extends Place {
  /** Where the part lies, on the disk of the side that receives. */
  readonly part: string;
  readonly heldBytes: number;
}

interface Cut {
  readonly by?: "line" | "client" | "server";
  /** What comes before the first run. */
  readonly prepare?: (path: string) => Promise<unknown>;
}

/** How a command is run. */
export interface Manner {
  readonly env?: Record<string, string>;
  /** More options. */
  readonly words?: readonly string[];
  /** Done when a chunk and a half have gone over the line. */
  readonly meanwhile?: () => void;
}

/** All that is held; as many whole chunks as are held; so many chunks. */
export type Keeps = "all" | "chunks" | number;

export interface Done {
  readonly bytes: number;
  readonly digest: string;
  readonly resumedAt: number;
}

export interface Carried {
  readonly ran: Ran;
  /** What went over the line, in the direction of the content. */
  readonly bytes: number;
}

export class Ground {
  readonly scene: Scene;
  #server: Server;
  #connecting: Promise<Client> | undefined;
  #count = 0;

  private constructor(scene: Scene, server: Server) {
    this.scene = scene;
    this.#server = server;
  }

  /** With ann, who puts below /d, bob, who gets, and tight, whose room is 30 MiB. */
  static async begin(): Promise<Ground> {
    const scene = await Scene.begin();
    for (const user of ["ann", "bob"]) await scene.addUser(user, ENV.FTPX_PASSWORD);
    await scene.addUser("tight", ENV.FTPX_PASSWORD, "--quota", "30MiB");
    makeFile(scene.path("master"), FILE_BYTES);
    makeFile(scene.path("other"), FILE_BYTES, 2);
    const ground = new Ground(scene, await scene.serve());
    await ground.makeDirectory();
    return ground;
  }

  get server(): Server {
    return this.#server;
  }

  async end(): Promise<void> {
    (await this.#connecting)?.connection.terminate();
    await this.scene.end();
  }

  /** ann, in this process: one connection for each run of the server. */
  client(): Promise<Client> {
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async makeDirectory(): Promise<void> {
    await (await this.client()).call("makeDir", { path: parsePath("/d"), withParents: false });
  }

  async move(from: string, to: string): Promise<void> {
    await (
      await this.client()
    ).call("move", { from: parsePath(from), to: parsePath(to), mayReplace: true });
  }

  async remove(path: string): Promise<void> {
    const client = await this.client();
    await client.call("remove", { path: parsePath(path), isRecursive: true });
  }

  async reservedBytes(): Promise<number> {
    return (await (await this.client()).call("quota", {})).reservedBytes;
  }

  /** One attempt of ann's to put a file, by this process. */
  async putHere(local: string, path: string, pace?: CopyJob["pace"]): Promise<Copied> {
    return await uploadOnce(await this.client(), jobOf(local, path, { pace }));
  }

  /** @param whileDown is done while no server runs */
  async restart(signal: "SIGTERM" | "SIGKILL", whileDown = () => {}): Promise<void> {
    this.server.process.kill(signal);
    expect(await this.server.process.exited).toBe(signal === "SIGTERM" ? 0 : 137);
    this.#connecting = undefined;
    whileDown();
    this.#server = await this.scene.serve();
  }

  /** Another file under the same name, of the same size and mtime. */
  replace(path: string, content: "master" | "other", flippedOffset?: number): void {
    fs.copyFileSync(this.scene.path(content), `${path}.new`);
    if (flippedOffset !== undefined) flip(`${path}.new`, flippedOffset);
    setTime(`${path}.new`);
    fs.renameSync(`${path}.new`, path);
  }

  /** Places that nobody has used, with the source in its place. */
  place(verb: Verb, user: string = verb === "put" ? "ann" : "bob"): Place {
    this.#count += 1;
    const path = user === "ann" ? `/d/${this.#count}` : `/${this.#count}`;
    const stored = `${this.scene.data}/storage/${user}${path}`;
    const local = this.scene.path(String(this.#count));
    this.replace(verb === "put" ? local : stored, "master");
    return { verb, user, path, stored, local };
  }

  async cutOff(verb: Verb, cut: Cut = {}): Promise<CutOff> {
    const { by = "line", prepare } = cut;
    const place = this.place(verb);
    await prepare?.(place.path);
    const others = this.parts();
    const line = this.scene.line(this.server.port);
    // A sender that hears nothing sends a window more, and that is less than what is left.
    if (verb === "put") line.deafAfterBytes = CUT_BYTES + LITTLE_BYTES;
    // A receiver with a limit has a small window.
    const limit = verb === "put" ? [] : ["--limit", "1G"];
    const words = [...this.#wordsOf(place, line), ...limit, "--retries", "0"];
    const client = this.scene.start(words, { env: ENV });
    const stalled = verb === "put" ? this.#stallPut(place, others) : stallGet(line, place.local);
    const part = await stalled;
    if (by === "line") line.cut();
    else if (by === "client") client.kill("SIGKILL");
    else await this.restart("SIGKILL");
    await client.exited;
    await this.#letGo(part);
    line.close();
    const heldBytes = sizeOf(part);
    if (heldBytes % CHUNK_BYTES > 0) return { ...place, part, heldBytes };
    // It stopped where a chunk ends, and there is no tail: another time.
    await (await this.client()).call("dropUpload", { path: parsePath(place.path) });
    return await this.cutOff(verb, cut);
  }

  /** Runs it again, and holds it to what it keeps. @param vainBytes may be sent in vain */
  async runAgain(cut: CutOff, keeps: Keeps, vainBytes = 0, env = {}): Promise<void> {
    const { verb, local, stored, part } = cut;
    const expected = await digestOf(verb === "put" ? local : stored);
    const { ran, bytes: carriedBytes } = await this.run(cut, { env });
    expect(ran).toMatchObject({ status: 0 });
    expect(await digestOf(verb === "put" ? stored : local)).toBe(expected);
    expect(modifiedMsOf(local)).toBe(modifiedMsOf(stored));
    const { bytes, digest, resumedAt } = doneOf(ran);
    expect(digest).toBe(expected);
    const kept = keptBytes(keeps, cut.heldBytes);
    expect(resumedAt).toBeGreaterThanOrEqual(kept);
    expect(carriedBytes).toBeLessThan(bytes - kept + vainBytes + LITTLE_BYTES);
    expect([part, `${part}.log`].filter((path) => fs.existsSync(path))).toEqual([]);
    if (verb === "put") expect(await this.reservedBytes()).toBe(0);
    // Gives the disk back what the next one needs.
    fs.rmSync(local);
    if (verb === "put") await this.remove(cut.path);
    else fs.rmSync(stored);
  }

  /** Runs a command to its end, over a line that counts. */
  async run(place: Place, { env = {}, words = [], meanwhile }: Manner = {}): Promise<Carried> {
    const line = this.scene.line(this.server.port);
    const carried = () => (place.verb === "put" ? line.toServerBytes : line.toClientBytes);
    const all = [...this.#wordsOf(place, line), "--json", ...words];
    const running = this.scene.run(all, { env: { ...ENV, ...env } });
    if (meanwhile !== undefined) {
      await until("it is under way", () => carried() >= 1.5 * CHUNK_BYTES, WAIT_MS_MAX);
      meanwhile();
    }
    const ran = await running;
    line.close();
    return { ran, bytes: carried() };
  }

  /** A put whose client is killed when the server has committed it, and before it hears so. */
  async loseAnswer(user: string, bytes: number): Promise<Place> {
    const place = this.place("put", user);
    fs.truncateSync(place.local, bytes);
    setTime(place.local);
    const line = this.scene.line(this.server.port);
    line.deafAfterBytes = bytes;
    const client = this.scene.start(this.#wordsOf(place, line), { env: ENV });
    await this.server.event("transfer", (event) => event["path"] === place.path);
    client.kill("SIGKILL");
    await client.exited;
    line.close();
    return place;
  }

  /** A put by this process that fails before it sends more. @returns the part */
  async putUpTo({ local, path }: Place, bytes: number): Promise<string> {
    let dueBytes = 0;
    const wait = async (more: number) => {
      dueBytes += more;
      if (dueBytes > bytes) throw new Error("enough");
    };
    const pace = { wait } as unknown as NonNullable<CopyJob["pace"]>;
    const outcome = await this.putHere(local, path, pace).catch(String);
    expect(outcome).toBe("Error: enough");
    const [name = ""] = this.parts();
    await this.#letGo(this.#partAt(name));
    return this.#partAt(name);
  }

  /** Names of the server's parts. */
  parts(): string[] {
    return fs.readdirSync(`${this.scene.data}/storage/.ftpx/parts`);
  }

  async #connect(): Promise<Client> {
    return await signedIn(this.server, "ann", ENV.FTPX_PASSWORD);
  }

  #partAt(name: string): string {
    return `${this.scene.data}/storage/.ftpx/parts/${name}`;
  }

  #wordsOf({ verb, user, path, local }: Place, { port }: CuttableLine): string[] {
    const target = this.server.target(user, path, port);
    return verb === "put" ? [verb, local, target] : [verb, target, local];
  }

  /** Waits until the server has so much of a put, and has noted it. @returns its part */
  async #stallPut({ path }: Place, others: readonly string[]): Promise<string> {
    const client = await this.client();
    const isNoted = async () => {
      const { uploads } = await client.call("uploads", { after: undefined });
      return uploads.some((upload) => upload.path === path && upload.heldBytes >= NOTED_BYTES);
    };
    await until("three chunks are noted", isNoted, WAIT_MS_MAX);
    const name = this.parts().find((found) => !others.includes(found)) ?? "";
    await until("a tail is there", () => sizeOf(this.#partAt(name)) >= CUT_BYTES, WAIT_MS_MAX);
    return this.#partAt(name);
  }

  /** What the server does when a session ends is done. */
  async #letGo(part: string): Promise<void> {
    const isOpen = () => openFilesOf(this.server.process.pid).includes(part);
    await until("the server has let go", () => !isOpen(), WAIT_MS_MAX);
  }
}

/** Waits until the client has so much of a get, and has noted it. @returns its part */
async function stallGet(line: CuttableLine, local: string): Promise<string> {
  const part = local.replace(/[^/]+$/, ".$&.ftpx-part");
  await until("a get is under way", () => line.toClientBytes >= CUT_BYTES, WAIT_MS_MAX);
  line.deafAfterBytes = 0;
  const isNoted = () => fs.readFileSync(`${part}.log`, "utf8").split("\n").length === 1 + 3 + 1;
  await until("three chunks are noted", isNoted, WAIT_MS_MAX);
  return part;
}

export function doneOf({ stdout }: Ran): Done {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Done;
}

function keptBytes(keeps: Keeps, heldBytes: number): number {
  if (keeps === "all") return heldBytes;
  return CHUNK_BYTES * (keeps === "chunks" ? Math.floor(heldBytes / CHUNK_BYTES) : keeps);
}
