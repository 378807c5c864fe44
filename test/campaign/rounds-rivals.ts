/**
 * F3 and F14: several connections that want the same path.
 *
 * F3: of two that send the same upload one is refused, and what arrives is exact, however
 * often the upload changes hands. F14: of a hundred puts at once to one path, some of them
 * cut off or given up, the result is one of those that were told so; whoever looks meanwhile
 * sees one whole version; nothing is left beside it.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FtpxError } from "../../src/base/errors.ts";
import type { Client } from "../../src/client/client.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { commitPiece, sendPiece } from "../e2e/wire.ts";
import type { Chance } from "../support/chance.ts";
import type { Campaign } from "./campaign.ts";
import { sha256Hex } from "./invariant.ts";
import { forkChance, Guest, kindOf, openUpload, partsOf, putOnce } from "./rounds-peers.ts";

const KIB = 1024;
const USER = "riva";

/** Connections that put to one path at once. */
const CROWD = 100;

/** How often one of them asks, while others have the path. */
const ATTEMPTS_MAX = 12;

/** A server that says nothing for so long has taken what it should have refused. */
const ANSWER_MS_MAX = 3_000;

/** What a commit of other content is refused with; the last where some of it was there before. */
const PROVED_WRONG = ["SIZE_MISMATCH", "DIGEST_MISMATCH", "CHUNK_DAMAGED"];

/** Sizes of what they put, each its own: some go out in one flight with the request. */
const SOURCES_BYTES = [0, 1, 70_000, 300 * KIB, 512 * KIB, 513 * KIB, 900 * KIB, 1500 * KIB];

interface Source {
  readonly local: string;
  readonly sha256: string;
}

/** A connection that has the upload of a duel. */
interface Holder {
  readonly client: Client;
  readonly id: number;
  /** Where content goes on. */
  readonly offset: number;
  /** Settles with the kind of what ended it. */
  readonly ended: Promise<string>;
}

/** A put that was told to be stored, and when it was under way. */
interface Told extends Source {
  readonly beganMs: number;
  readonly endMs: number;
}

export class RivalRounds {
  readonly counts = { duels: 0, handovers: 0, busy: 0, crowdPuts: 0, crowdDone: 0, givenUp: 0 };
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #campaign: Campaign;
  readonly #guest = new Guest(USER);
  #crowd: Client[] = [];
  readonly #sources: Source[] = [];

  private constructor(scene: Scene, server: Server, campaign: Campaign) {
    this.#scene = scene;
    this.#server = server;
    this.#campaign = campaign;
  }

  static async addAccount(scene: Scene): Promise<void> {
    await Guest.add(scene, USER);
  }

  static async open(scene: Scene, server: Server, campaign: Campaign): Promise<RivalRounds> {
    const rounds = new RivalRounds(scene, server, campaign);
    await rounds.#prepare();
    return rounds;
  }

  close(): void {
    this.#guest.close();
  }

  async run(): Promise<void> {
    await this.#renew();
    await this.#duel();
    await this.#race();
    await this.#abortAll();
    await this.#renew();
    await this.#rush();
  }

  async #prepare(): Promise<void> {
    for (let index = 0; index < CROWD; index += 1) {
      const bytes = SOURCES_BYTES[index % SOURCES_BYTES.length] ?? 0;
      const content = this.#campaign.chance.bytes(bytes);
      const local = this.#scene.path(`rival-source-${index}`);
      await writeFile(local, content);
      this.#sources.push({ local, sha256: sha256Hex(content) });
    }
  }

  /** Connections that were cut are made again. */
  async #renew(): Promise<void> {
    const open = this.#crowd.filter(({ isOpen }) => isOpen);
    const more = await this.#guest.signInMany(this.#server, CROWD - open.length);
    this.#crowd = [...open, ...more];
  }

  /** Two connections take turns at one upload, and neither minds what the other does. */
  async #duel(): Promise<void> {
    const { chance } = this.#campaign;
    const content = chance.bytes(chance.between(1, 2000) * KIB + chance.below(KIB));
    this.counts.duels += 1;
    let holder = await this.#openBoth(content.byteLength, this.#client(0), this.#client(1));
    while (holder !== undefined) {
      const rival = holder.client === this.#client(0) ? this.#client(1) : this.#client(0);
      const isLast = chance.percent(40);
      const end = isLast ? content.byteLength : chance.between(holder.offset, content.byteLength);
      await this.#sendPieces(holder, content, end, rival);
      if (isLast) break;
      const leaving = this.#leave(holder, content, end);
      holder = await this.#takeOver(content.byteLength, rival);
      await leaving;
      this.counts.handovers += 1;
    }
    if (holder === undefined) return;
    await commitPiece(holder.client, holder.id, content);
    this.#demandFile("F3", "duel", [sha256Hex(content)]);
    this.#demandNoParts("F3");
  }

  /** Both ask at once; one of them gets it. */
  async #openBoth(totalBytes: number, ...clients: readonly Client[]): Promise<Holder | undefined> {
    const opens = clients.map((client) => this.#open(totalBytes, client));
    const kinds = await Promise.all(opens.map(({ opened }) => kindOf(opened)));
    if (kinds.toSorted().join() !== "UPLOAD_BUSY,done") {
      this.#campaign.fail(`F3: two opens of one path: ${kinds.join()}`);
      return undefined;
    }
    this.counts.busy += 1;
    const [won] = opens.filter((_open, index) => kinds[index] === "done");
    return await won?.opened;
  }

  async #takeOver(totalBytes: number, client: Client): Promise<Holder> {
    for (;;) {
      const { opened } = this.#open(totalBytes, client);
      const kind = await kindOf(opened);
      if (kind === "done") return await opened;
      if (kind !== "UPLOAD_BUSY") throw new Error(`F3: taking over: ${kind}`);
      await Bun.sleep(1);
    }
  }

  #open(totalBytes: number, client: Client): { readonly opened: Promise<Holder> } {
    const ended = Promise.withResolvers<string>();
    const listener = {
      notice: () => {},
      failed: ({ kind }: FtpxError) => ended.resolve(kind),
    };
    const { id, reply } = openUpload(client, "/duel", totalBytes, listener);
    const toHolder = ({ storedBytes: offset }: { storedBytes: number }) => ({ client, id, offset });
    return { opened: reply.then((opened) => ({ ...toHolder(opened), ended: ended.promise })) };
  }

  /** Closes the transfer, or sends content for another place than the next, which ends it. */
  async #leave({ client, id, ended }: Holder, content: Uint8Array, end: number): Promise<void> {
    const { chance } = this.#campaign;
    if (chance.percent(50)) {
      await client.call("closeTransfer", { transfer: id, isDiscarded: false });
      return;
    }
    const stray = chance.below(content.byteLength);
    const offset = stray === end ? stray + 1 : stray;
    await sendPiece(client, id, offset, chance.bytes(chance.between(1, 1000)));
    const kind = await Promise.race([ended, Bun.sleep(ANSWER_MS_MAX)]);
    if (kind !== "WRONG_OFFSET") {
      this.#campaign.fail(`F3: content for offset ${offset}, not ${end}: ${kind ?? "taken"}`);
      await client.call("closeTransfer", { transfer: id, isDiscarded: true });
    }
  }

  /** Content in pieces, while the rival is busy with requests and content of its own. */
  async #sendPieces(
    holder: Holder,
    content: Uint8Array,
    end: number,
    rival: Client,
  ): Promise<void> {
    const { chance } = this.#campaign;
    let { offset } = holder;
    const bad = openUpload(rival, "/duel", content.byteLength);
    while (offset < end) {
      const bytes = Math.min(end - offset, chance.between(1, 300 * KIB));
      await sendPiece(holder.client, holder.id, offset, content.subarray(offset, offset + bytes));
      // The same place, for a transfer that was refused: it must go nowhere.
      await sendPiece(rival, bad.id, offset, chance.bytes(Math.min(bytes, 100)));
      offset += bytes;
    }
    const kind = await kindOf(bad.reply);
    if (kind !== "UPLOAD_BUSY") this.#campaign.fail(`F3: a second open meanwhile: ${kind}`);
  }

  /** The same file by the client's own code, from several connections at once. */
  async #race(): Promise<void> {
    const { local, sha256 } = this.#source(this.#campaign.chance.pick([3, 5, 6, 7]));
    const racers = this.#crowd.slice(0, 4);
    const kinds = await Promise.all(
      racers.map((client) => kindOf(putOnce(client, local, "/race"))),
    );
    this.#demandOutcomes("F3", kinds);
    this.#demandFile("F3", "race", [sha256]);
  }

  /** Puts that do not end leave what stands there alone. */
  async #abortAll(): Promise<void> {
    const base = this.#source(6);
    await putOnce(this.#client(0), base.local, "/crowd", { isFresh: true });
    for (let index = 0; index < 4; index += 1) {
      await this.#giveUp(this.#client(20 + index), this.#campaign.chance);
      this.#demandFile("F14", "crowd", [base.sha256]);
    }
  }

  /** Begins a put and ends it, in one of several ways, before it could be stored. */
  async #giveUp(client: Client, chance: Chance): Promise<string> {
    const totalBytes = chance.between(2, 500 * KIB);
    const content = chance.bytes(chance.below(totalBytes));
    const { id: transfer, reply } = openUpload(client, "/crowd", totalBytes);
    this.counts.givenUp += 1;
    const kind = await kindOf(reply);
    if (kind !== "done") return kind;
    const offset = (await reply).storedBytes;
    await sendPiece(client, transfer, offset, content.subarray(offset));
    const way = chance.pick(["leave", "discard", "cut", "short", "other"]);
    if (way === "cut") client.connection.terminate();
    else if (way === "short") return await kindOf(commitPiece(client, transfer, content));
    else if (way === "other") {
      const rest = Math.max(offset, content.byteLength);
      await sendPiece(client, transfer, rest, chance.bytes(totalBytes - rest));
      return await kindOf(commitPiece(client, transfer, chance.bytes(totalBytes)));
    } else {
      await client.call("closeTransfer", { transfer, isDiscarded: way === "discard" });
    }
    return "given up";
  }

  /** A hundred at once, a tenth of which gives up. */
  async #rush(): Promise<void> {
    const { chance } = this.#campaign;
    const told: Told[] = [];
    const known = [6, ...this.#sources.keys()].map((index) => this.#source(index).sha256);
    const look = setInterval(() => this.#demandFile("F14", "crowd", known), 5);
    const puts = this.#crowd.map(async (client, index) => {
      const own = forkChance(chance);
      if (own.percent(10)) return await this.#giveUp(client, own);
      return await this.#putStubbornly(client, own, this.#source(index), told);
    });
    const kinds = await Promise.all(puts).finally(() => clearInterval(look));
    this.counts.crowdPuts += kinds.length;
    this.counts.crowdDone += told.length;
    this.#demandOutcomes("F14", kinds, "given up", ...PROVED_WRONG);
    // Whoever was told before another one began cannot be the last.
    const last = told.filter(({ endMs }) => !told.some(({ beganMs }) => beganMs > endMs));
    const expected = last.map(({ sha256 }) => sha256);
    this.#demandFile("F14", "crowd", expected);
    await this.#demandRoom();
  }

  /** Asks some more times while others have the path. */
  async #putStubbornly(
    client: Client,
    chance: Chance,
    source: Source,
    told: Told[],
  ): Promise<string> {
    const isFresh = chance.percent(50);
    for (let attempt = 1; ; attempt += 1) {
      const beganMs = performance.now();
      const kind = await kindOf(putOnce(client, source.local, "/crowd", { isFresh }));
      if (kind === "done") told.push({ ...source, beganMs, endMs: performance.now() });
      if (kind !== "UPLOAD_BUSY" || attempt === ATTEMPTS_MAX) return kind;
      await Bun.sleep(chance.between(1, 40));
    }
  }

  /** One unfinished upload at most is left, and a fresh put takes its place. */
  async #demandRoom(): Promise<void> {
    const { local, sha256 } = this.#source(2);
    const client = await this.#guest.signIn(this.#server);
    const put = () => kindOf(putOnce(client, local, "/crowd", { isFresh: true }));
    let kind = await put();
    for (; kind === "UPLOAD_BUSY"; kind = await put()) await Bun.sleep(1);
    if (kind !== "done") this.#campaign.fail(`F14: the put after all of them: ${kind}`);
    this.#demandFile("F14", "crowd", [sha256]);
    this.#demandNoParts("F14");
    const { reservedBytes, reservedFiles } = await client.call("quota", {});
    if (reservedBytes !== 0 || reservedFiles !== 0) {
      this.#campaign.fail(`F14: ${reservedBytes} bytes are still reserved`);
    }
    client.close();
  }

  #demandOutcomes(row: string, kinds: readonly string[], ...further: readonly string[]): void {
    const known = ["done", "UPLOAD_BUSY", ...further];
    const strange = kinds.filter((kind) => !known.includes(kind));
    if (strange.length > 0) this.#campaign.fail(`${row}: ${strange.join()}`);
    if (!kinds.includes("done")) this.#campaign.fail(`${row}: nobody was stored`);
    this.counts.busy += kinds.filter((kind) => kind === "UPLOAD_BUSY").length;
  }

  #demandFile(row: string, name: string, expected: readonly string[]): void {
    const path = join(this.#scene.data, "storage", USER, name);
    const found = sha256Hex(readFileSync(path));
    if (!expected.includes(found)) this.#campaign.fail(`${row}: ${name} is nobody's: ${found}`);
  }

  #demandNoParts(row: string): void {
    const parts = partsOf(this.#scene);
    if (parts.length > 0) this.#campaign.fail(`${row}: parts are left: ${parts.join()}`);
  }

  #client(index: number): Client {
    const client = this.#crowd[index];
    if (client === undefined) throw new Error(`no client ${index}`);
    return client;
  }

  #source(index: number): Source {
    const source = this.#sources[index];
    if (source === undefined) throw new Error(`no source ${index}`);
    return source;
  }
}
