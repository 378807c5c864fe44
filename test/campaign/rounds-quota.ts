/**
 * Q1: twenty puts of 9 MiB at once into a quota of 100 MiB, and fifty more into what is left.
 *
 * Eleven are stored and nine are refused before their first byte, in every round; the disk,
 * looked at all the while, never holds more than the quota, files and parts together.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { sha256Of } from "../e2e/binary.ts";
import type { Campaign } from "./campaign.ts";
import { Guest, kindOf, openUpload, partsOf, putOnce, repeat, storedOf } from "./rounds-peers.ts";

const MIB = 1024 * 1024;
const QUOTA_BYTES = 100 * MIB;
const FILE_BYTES = 9 * MIB;
const PUTS = 20;
const STORED = Math.floor(QUOTA_BYTES / FILE_BYTES);
const OPENS = 50;
const SAMPLE_EVERY_MS = 10;

/** Opening, being refused and closing; less than any content. */
const REFUSAL_BYTES_MAX = 4096;

interface Source {
  readonly local: string;
  readonly sha256: string;
}

export class QuotaRounds {
  readonly counts = { puts: 0, stored: 0, refused: 0, opens: 0, samples: 0, diskBytesMax: 0 };
  readonly #scene: Scene;
  readonly #campaign: Campaign;
  readonly #guest: Guest;
  readonly #clients: readonly Client[];
  readonly #observer: Client;
  readonly #sources: readonly Source[];

  private constructor(
    scene: Scene,
    campaign: Campaign,
    guest: Guest,
    clients: readonly Client[],
    observer: Client,
    sources: readonly Source[],
  ) {
    this.#scene = scene;
    this.#campaign = campaign;
    this.#guest = guest;
    this.#clients = clients;
    this.#observer = observer;
    this.#sources = sources;
  }

  static async open(scene: Scene, server: Server, campaign: Campaign): Promise<QuotaRounds> {
    // A running server sees a new account within a second; who signs in waits for that.
    const guest = new Guest("quin");
    const clients = await guest.signInMany(server, OPENS);
    const observer = await guest.signIn(server);
    const sources: Source[] = [];
    for (let index = 0; index < PUTS; index += 1) {
      const local = scene.path(`quota-source-${index}`);
      makeSparse(local, campaign.chance.bytes(4096));
      sources.push({ local, sha256: await sha256Of(local) });
    }
    return new QuotaRounds(scene, campaign, guest, clients, observer, sources);
  }

  static async addAccount(scene: Scene): Promise<void> {
    await Guest.add(scene, "quin", "--quota", "100MiB");
  }

  close(): void {
    this.#guest.close();
  }

  async run(): Promise<void> {
    const sampler = repeat(() => this.#sample());
    try {
      const stored = await this.#putAll();
      await this.#demandExact(stored);
      await this.#demandQuota("after the puts", stored.length);
      const [first] = stored;
      if (first !== undefined) await this.#remove([first]);
      await this.#openAll();
      await this.#demandQuota("after the opens", stored.length - 1);
      await this.#remove(stored.slice(1));
      await this.#demandQuota("after the removal", 0);
    } finally {
      await sampler.stop();
    }
  }

  /** @returns indexes of those that were stored */
  async #putAll(): Promise<number[]> {
    const outcomes = await Promise.all(
      this.#sources.map(async ({ local }, index) => {
        const client = this.#client(index);
        const before = client.connection.sentBytes;
        const kind = await kindOf(putOnce(client, local, `/q${index}`));
        return { index, kind, sentBytes: client.connection.sentBytes - before };
      }),
    );
    const stored = outcomes.filter(({ kind }) => kind === "done");
    const refused = outcomes.filter(({ kind }) => kind === "QUOTA_EXCEEDED");
    this.counts.puts += PUTS;
    this.counts.stored += stored.length;
    this.counts.refused += refused.length;
    if (stored.length !== STORED || refused.length !== PUTS - STORED) {
      const kinds = outcomes.map(({ kind }) => kind).join(" ");
      this.#campaign.fail(`Q1: ${stored.length} of ${PUTS} stored, not ${STORED}: ${kinds}`);
    }
    for (const { index, sentBytes } of refused) {
      if (sentBytes > REFUSAL_BYTES_MAX) {
        this.#campaign.fail(`Q1: /q${index} was refused after ${sentBytes} bytes`);
      }
    }
    return stored.map(({ index }) => index);
  }

  /** Ten files of 9 MiB stand: one more fits, whoever asks first. */
  async #openAll(): Promise<void> {
    const opens = this.#clients.map((client, index) => ({
      client,
      ...openUpload(client, `/o${index}`, FILE_BYTES),
    }));
    const kinds = await Promise.all(opens.map(({ reply }) => kindOf(reply)));
    const granted = opens.filter((_open, index) => kinds[index] === "done");
    const refused = kinds.filter((kind) => kind === "QUOTA_EXCEEDED");
    this.counts.opens += OPENS;
    if (granted.length !== 1 || refused.length !== OPENS - 1) {
      this.#campaign.fail(`Q1: ${granted.length} of ${OPENS} opens granted: ${kinds.join(" ")}`);
    }
    if (partsOf(this.#scene).length < granted.length) {
      this.#campaign.fail("Q1: an upload is open and has no part");
    }
    for (const { client, id } of granted) {
      await client.call("closeTransfer", { transfer: id, isDiscarded: true });
    }
  }

  async #demandExact(stored: readonly number[]): Promise<void> {
    for (const index of stored) {
      const path = join(this.#scene.data, "storage", this.#guest.user, `q${index}`);
      const found = await sha256Of(path).catch((error: unknown) => String(error));
      if (found !== this.#sources[index]?.sha256) {
        this.#campaign.fail(`Q1: /q${index} is not what was put: ${found}`);
      }
    }
  }

  async #demandQuota(when: string, files: number): Promise<void> {
    const quota = await this.#observer.call("quota", {});
    const { usedBytes, usedFiles, reservedBytes, reservedFiles } = quota;
    const found = [usedBytes, usedFiles, reservedBytes, reservedFiles];
    const expected = [files * FILE_BYTES, files, 0, 0];
    if (found.join() === expected.join()) return;
    this.#campaign.fail(`Q1: quota ${when} is ${found.join()}, not ${expected.join()}`);
  }

  async #remove(indexes: readonly number[]): Promise<void> {
    await Promise.all(
      indexes.map((index) =>
        this.#observer.call("remove", { path: parsePath(`/q${index}`), isRecursive: false }),
      ),
    );
  }

  #client(index: number): Client {
    const client = this.#clients[index];
    if (client === undefined) throw new Error(`no client ${index}`);
    return client;
  }

  /** Looks at the disk and the ledger. */
  async #sample(): Promise<void> {
    const stored = storedOf(this.#scene, this.#guest.user);
    const bytes = stored.reduce((sum, file) => sum + file.bytes, 0);
    const { usedBytes, reservedBytes } = await this.#observer.call("quota", {});
    this.counts.samples += 1;
    this.counts.diskBytesMax = Math.max(this.counts.diskBytesMax, bytes);
    if (bytes > QUOTA_BYTES) this.#campaign.fail(`Q1: ${bytes} bytes on the disk`);
    if (usedBytes + reservedBytes > QUOTA_BYTES) {
      this.#campaign.fail(`Q1: ${usedBytes} used and ${reservedBytes} reserved`);
    }
    await Bun.sleep(SAMPLE_EVERY_MS);
  }
}

/** As large as a source has to be, different from the others, and hardly there. */
function makeSparse(path: string, head: Uint8Array): void {
  const fd = openSync(path, "w");
  writeSync(fd, head);
  ftruncateSync(fd, FILE_BYTES);
  closeSync(fd);
}
