/**
 * F5: many puts of mixed sizes onto a disk with little room, by connections of this process
 * and by processes of the compiled client, between removals that make room again.
 *
 * Each put is told to be done and is exact, or is refused with DISK_FULL, and then what
 * stood at its path before stands there still. Where only the database had no room left to
 * be told, OUTCOME_UNKNOWN says so.
 */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { sha256Of } from "../e2e/binary.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import type { Chance } from "../support/chance.ts";
import type { Campaign } from "./campaign.ts";
import { sha256Hex } from "./invariant.ts";
import type { Told } from "./invariant.ts";
import type { Watcher } from "./lines-watcher.ts";
import { forkChance, kindOf, openUpload, putOnce, runClient } from "./rounds-peers.ts";
import type { Guest } from "./rounds-peers.ts";

const KIB = 1024;

/** Connections, and processes, that put at once. */
const CONNECTIONS = 4;
const PROCESSES = 2;
const PATHS = 6;

export interface Ground {
  readonly scene: Scene;
  readonly server: Server;
  readonly campaign: Campaign;
  /** Of this disk. */
  readonly chance: Chance;
  readonly watcher: Watcher;
  readonly guest: Guest;
}

export class Storm {
  readonly counts = { puts: 0, stored: 0, refused: 0, unknown: 0, removed: 0, forgotten: 0 };
  readonly #ground: Ground;
  readonly #stored = new Map<string, string>();
  #left = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  get told(): Told[] {
    const { user } = this.#ground.guest;
    return [...this.#stored].map(([path, sha256]) => ({ user, path, sha256 }));
  }

  async run(puts: number): Promise<void> {
    const { guest, server, chance } = this.#ground;
    this.#left = puts;
    const clients = await guest.signInMany(server, CONNECTIONS);
    const workers = clients.map((client, index) =>
      this.#work(`c${index}`, forkChance(chance), client),
    );
    for (let index = 0; index < PROCESSES; index += 1) {
      workers.push(this.#work(`p${index}`, forkChance(chance), undefined));
    }
    await Promise.all(workers);
  }

  /** @param client by which it puts; a process for each put where there is none */
  async #work(worker: string, chance: Chance, client: Client | undefined): Promise<void> {
    while (this.#left > 0) {
      const path = `/${worker}-${chance.below(PATHS)}`;
      const kind = client === undefined ? 100 : chance.below(100);
      if (client === undefined || kind >= 45) await this.#put(path, chance, client);
      else if (kind < 20) await this.#remove(path, client);
      else await this.#forget(path, client);
    }
  }

  async #put(path: string, chance: Chance, client: Client | undefined): Promise<void> {
    const { scene, watcher } = this.#ground;
    const local = scene.path(`source${path.slice(1)}`);
    const content = chance.bytes(drawSize(chance));
    const sha256 = sha256Hex(content);
    await writeFile(local, content);
    watcher.allow(this.#placeOf(path), sha256);
    this.counts.puts += 1;
    this.#left -= 1;
    const kind = await (client === undefined
      ? this.#putByProcess(local, path)
      : kindOf(putOnce(client, local, path)));
    const place = this.#placeOf(path);
    const found = existsSync(place) ? await sha256Of(place) : undefined;
    this.#judge(`put ${path} of ${content.byteLength} bytes`, path, kind, sha256, found);
    await rm(local);
  }

  /** @param found what stands at the path now */
  #judge(what: string, path: string, kind: string, sent: string, found: string | undefined): void {
    const { campaign } = this.#ground;
    const before = this.#stored.get(path);
    if (kind === "done") this.counts.stored += 1;
    else if (kind === "DISK_FULL") this.counts.refused += 1;
    // It is in its place, and the database could not be told.
    else if (kind === "OUTCOME_UNKNOWN") this.counts.unknown += 1;
    else campaign.fail(`${what}: ${kind}`);
    const expected = kind === "done" ? [sent] : [before];
    if (kind === "OUTCOME_UNKNOWN") expected.push(sent);
    if (!expected.includes(found)) campaign.fail(`${what}: ${kind}, and ${found} is there`);
    if (found === undefined) this.#stored.delete(path);
    else this.#stored.set(path, found);
  }

  async #putByProcess(local: string, path: string): Promise<string> {
    const { scene, server, guest } = this.#ground;
    const words = ["put", local, server.target(guest.user, path), "--json", "--retries", "0"];
    const { status, stdout, stderr } = await runClient(scene, words);
    if (status === 0) return "done";
    const failed = stdout.split("\n").find((text) => text.includes('"event":"failed"'));
    // Without the event it was refused before it began: at sign-in, which writes nothing.
    const { error } = JSON.parse(failed ?? "{}") as { error?: string };
    const isTold = (status === 73 || status === 75) && error !== undefined;
    return isTold ? error : `before it began: status ${status}: ${stderr}`;
  }

  /** What a refused put has left makes room, too. */
  async #forget(path: string, client: Client): Promise<void> {
    const { id, reply } = openUpload(client, path, 0);
    const forgetting = reply.then(() =>
      client.call("closeTransfer", { transfer: id, isDiscarded: true }),
    );
    const kind = await kindOf(forgetting);
    if (kind === "done") this.counts.forgotten += 1;
    else if (kind !== "DISK_FULL") this.#ground.campaign.fail(`discarding ${path}: ${kind}`);
  }

  async #remove(path: string, client: Client): Promise<void> {
    const request = { path: parsePath(path), isRecursive: false };
    const kind = await kindOf(client.call("remove", request));
    const expected = this.#stored.has(path) ? "done" : "NO_SUCH_PATH";
    if (kind !== expected) this.#ground.campaign.fail(`rm ${path}: ${kind}, not ${expected}`);
    if (kind === "done") this.counts.removed += 1;
    if (kind === "done") this.#stored.delete(path);
  }

  #placeOf(path: string): string {
    return join(this.#ground.scene.data, "storage", this.#ground.guest.user, path);
  }
}

function drawSize(chance: Chance): number {
  const kind = chance.below(100);
  if (kind < 12) return 0;
  if (kind < 45) return chance.below(64 * KIB);
  if (kind < 80) return chance.below(600 * KIB);
  return chance.between(600 * KIB, 2500 * KIB);
}
