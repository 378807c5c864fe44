/**
 * F15: one file that is replaced again and again, and readers that take it in small steps.
 *
 * Each read is one whole version or ends with CHANGED, and the version is one that was
 * there while it was read. The readers acknowledge little by little, so that a read lasts
 * longer than several replacements; besides, the compiled client gets the file.
 */
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { parsePath } from "../../src/base/path.ts";
import { WINDOW_BYTES_MIN } from "../../src/base/limits.ts";
import { FtpxError } from "../../src/base/errors.ts";
import type { Client } from "../../src/client/client.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import type { Chance } from "../support/chance.ts";
import type { Campaign } from "./campaign.ts";
import { sha256Hex } from "./invariant.ts";
import { forkChance, getOnce, Guest, kindOf, putOnce, repeat, runClient } from "./rounds-peers.ts";

const KIB = 1024;
const USER = "rhea";
const PATH = "/news";
const READERS = 4;
const REPLACEMENTS = 20;
const STEP_BYTES = 64 * KIB;

/** More than a window, so that a reader's pauses hold its sender up; and some that are small. */
const VERSIONS_BYTES = [1400, 900, 300, 2000, 1, 1100, 1700, 600, 2500, 800].map(
  (size) => size * KIB + 3,
);

export class ReaderRounds {
  readonly counts = { replacements: 0, reads: 0, changed: 0, gets: 0 };
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #campaign: Campaign;
  readonly #guest = new Guest(USER);
  #clients: Client[] = [];
  readonly #sources: { readonly local: string; readonly sha256: string }[] = [];
  /** Replacements that were begun, and those that were told to be done. */
  #begunCount = 0;
  #doneCount = 0;

  private constructor(scene: Scene, server: Server, campaign: Campaign) {
    this.#scene = scene;
    this.#server = server;
    this.#campaign = campaign;
  }

  static async addAccount(scene: Scene): Promise<void> {
    await Guest.add(scene, USER);
  }

  static async open(scene: Scene, server: Server, campaign: Campaign): Promise<ReaderRounds> {
    const rounds = new ReaderRounds(scene, server, campaign);
    await rounds.#prepare();
    return rounds;
  }

  close(): void {
    this.#guest.close();
  }

  async run(): Promise<void> {
    await this.#replace();
    const readers = this.#clients.slice(1).map((client, index) => {
      const chance = forkChance(this.#campaign.chance);
      return repeat(() => this.#read(client, chance, index));
    });
    readers.push(repeat(() => this.#get()));
    try {
      for (let count = 0; count < REPLACEMENTS; count += 1) await this.#replace();
    } finally {
      await Promise.all(readers.map((reader) => reader.stop()));
    }
  }

  async #prepare(): Promise<void> {
    this.#clients = await this.#guest.signInMany(this.#server, 1 + READERS);
    for (const [index, bytes] of VERSIONS_BYTES.entries()) {
      const local = this.#scene.path(`news-source-${index}`);
      const content = this.#campaign.chance.bytes(bytes);
      await writeFile(local, content);
      this.#sources.push({ local, sha256: sha256Hex(content) });
    }
  }

  async #replace(): Promise<void> {
    const [writer] = this.#clients;
    const { local } = this.#source(this.#begunCount);
    if (writer === undefined) throw new Error("no writer");
    this.#begunCount += 1;
    await putOnce(writer, local, PATH);
    this.#doneCount = this.#begunCount;
    this.counts.replacements += 1;
  }

  /** Either by steps of its own, or as the client does it. */
  async #read(client: Client, chance: Chance, reader: number): Promise<void> {
    const from = this.#doneCount;
    const isOwn = chance.percent(70);
    const local = this.#scene.path(`news-${reader}`);
    let content = new Uint8Array(0);
    const kind = await kindOf(
      isOwn
        ? new SlowReader(client, chance).read().then((read) => (content = read))
        : getOnce(client, PATH, local).then(() => (content = readFileSync(local))),
    );
    this.counts.reads += 1;
    if (kind === "CHANGED") this.counts.changed += 1;
    else if (kind === "done") this.#demandVersion(isOwn ? "steps" : "get", content, from);
    else this.#campaign.fail(`F15: a reader got ${kind}`);
  }

  async #get(): Promise<void> {
    const from = this.#doneCount;
    const local = this.#scene.path("news-got");
    const words = ["get", this.#server.target(USER, PATH), local];
    const { status, stderr } = await runClient(this.#scene, words);
    this.counts.gets += 1;
    if (status !== 0) this.#campaign.fail(`F15: get: status ${status}: ${stderr}`);
    else this.#demandVersion("ftpx get", await readFile(local), from);
  }

  /** One whole version of those that stood there since `from` replacements were done. */
  #demandVersion(how: string, content: Uint8Array, from: number): void {
    const found = sha256Hex(content);
    const first = Math.max(0, from - 1);
    for (let version = first; version < this.#begunCount; version += 1) {
      if (this.#source(version).sha256 === found) return;
    }
    const known = this.#sources.findIndex(({ sha256 }) => sha256 === found);
    const what = known < 0 ? `a mixture of ${content.byteLength} bytes` : `stale: ${known}`;
    this.#campaign.fail(`F15: ${how}: ${what} (replacements ${from} to ${this.#begunCount})`);
  }

  #source(version: number) {
    const source = this.#sources[version % this.#sources.length];
    if (source === undefined) throw new Error(`no version ${version}`);
    return source;
  }
}

/** Reads one file by hand, in small steps with pauses between them. */
class SlowReader {
  readonly #client: Client;
  readonly #chance: Chance;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #acknowledging: Promise<void> = Promise.resolve();
  #acknowledgedBytes = 0;

  constructor(client: Client, chance: Chance) {
    this.#client = client;
    this.#chance = chance;
  }

  /** @throws FtpxError CHANGED, and what else ends a download */
  async read(): Promise<Uint8Array<ArrayBuffer>> {
    const ended = Promise.withResolvers<number>();
    const request = {
      path: parsePath(PATH),
      algorithm: "sha256",
      fromOffset: 0,
      version: undefined,
      windowBytes: WINDOW_BYTES_MIN,
    } as const;
    const started = this.#client.start("openDownload", request, {
      content: (offset, piece) => this.#take(started.id, offset, piece),
      notice: (name, value) => {
        if (name === "end") ended.resolve((value as { totalBytes: number }).totalBytes);
      },
      failed: (failure) => ended.reject(failure),
    });
    ended.promise.catch(() => {});
    try {
      const { totalBytes } = await started.reply;
      const endBytes = await ended.promise;
      if (endBytes !== totalBytes || this.#bytes !== totalBytes) {
        throw new Error(`F15: ${this.#bytes} bytes came of ${totalBytes}, and ${endBytes} ended`);
      }
      return Buffer.concat(this.#pieces);
    } finally {
      this.#client.forget(started.id);
    }
  }

  #take(id: number, offset: number, piece: Uint8Array): void {
    if (offset !== this.#bytes) throw new FtpxError("WRONG_OFFSET", { offset });
    this.#pieces.push(piece.slice());
    this.#bytes += piece.byteLength;
    while (this.#bytes - this.#acknowledgedBytes >= STEP_BYTES) {
      this.#acknowledgedBytes += STEP_BYTES;
      this.#acknowledgeLater(id, this.#acknowledgedBytes);
    }
  }

  /** Nobody waits for it: after the end it has no effect. */
  #acknowledgeLater(id: number, offset: number): void {
    const pauseMs = this.#chance.below(4);
    this.#acknowledging = this.#acknowledging
      .then(() => Bun.sleep(pauseMs))
      .then(() => this.#client.notify(id, "ack", { offset }));
  }
}
