/**
 * F16: one flipped bit at each of many places of a connection without TLS, where nothing
 * beneath the program finds it.
 *
 * The places are all behind sign-in, requests and paths among them. Wrong content is never
 * published, and nothing under another name: the file is the old one, or the new one whole.
 */
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { CHUNK_BYTES, WINDOW_BYTES } from "../../src/base/limits.ts";
import type { Client } from "../../src/client/client.ts";
import { makeFile, sha256Of } from "../e2e/binary.ts";
import type { Scene } from "../e2e/binary.ts";
import { commitPiece, sendPiece } from "../e2e/wire.ts";
import type { Chance } from "../support/chance.ts";
import type { Campaign } from "./campaign.ts";
import { sha256Hex } from "./invariant.ts";
import type { Told } from "./invariant.ts";
import { FaultyLine } from "./lines-proxy.ts";
import type { Fault, Way } from "./lines-lane.ts";
import type { Watcher } from "./lines-watcher.ts";
import { forkChance, getOnce, Guest, kindOf, openUpload, runClient } from "./rounds-peers.ts";

export const BITS_USER = "bo";

const MIB = 1024 * 1024;

/** Two whole chunks, and some more. */
const WHOLE_CHUNKS_BYTES = 2 * CHUNK_BYTES;
const CHUNKS_BYTES = WHOLE_CHUNKS_BYTES + 700_000;

const PIECES = 3;
const PIECE_BYTES = 1500;

/** The request, frame headers, offsets, proofs, commit and end beside the content, about. */
const FRAMING_BYTES = PIECES * 20 + 150;

/** A length that has become longer is waited for; whoever waits so long does so for ever. */
const ANSWER_MS_MAX = 400;

export class BitRuns {
  readonly counts = { bits: 0, bitsFound: 0, bitsWaited: 0, bitsHarmless: 0 };
  readonly #scene: Scene;
  readonly #campaign: Campaign;
  readonly #chance: Chance;
  readonly #watcher: Watcher;
  readonly #line: FaultyLine;
  readonly #guest = new Guest(BITS_USER);
  #stored = "";

  constructor(scene: Scene, plainPort: number, campaign: Campaign, watcher: Watcher) {
    this.#scene = scene;
    this.#campaign = campaign;
    this.#chance = forkChance(campaign.chance);
    this.#watcher = watcher;
    this.#line = new FaultyLine(plainPort);
  }

  get told(): Told[] {
    return this.#stored === "" ? [] : [{ user: BITS_USER, path: "/bits", sha256: this.#stored }];
  }

  async run(count: number): Promise<void> {
    try {
      await this.#damageChunks();
      this.#line.begin(() => []);
      for (let bit = 0; bit < count; bit += 1) {
        const isPut = bit === 0 || this.#chance.percent(60);
        await this.#flipOne(isPut ? "toServer" : "toClient", bit === 0);
      }
    } finally {
      this.#guest.close();
      this.#line.close();
    }
  }

  /** In a whole chunk of a larger file: the chunk goes again, and the command completes. */
  async #damageChunks(): Promise<void> {
    const local = this.#scene.path("chunks");
    const sha256 = makeFile(local, CHUNKS_BYTES, this.#chance.below(2 ** 31));
    const place = `${this.#scene.data}/storage/${BITS_USER}/chunks`;
    this.#watcher.allow(place, sha256);
    const target = `ftpx://${BITS_USER}@127.0.0.1:${this.#line.port}/chunks`;
    await this.#damage("toServer", ["put", local, target], place, sha256);
    await this.#damage("toClient", ["get", target, `${local}.got`], `${local}.got`, sha256);
  }

  async #damage(way: Way, words: readonly string[], place: string, sha256: string): Promise<void> {
    const chance = this.#chance;
    const atByte = chance.between(1000, WHOLE_CHUNKS_BYTES);
    const what = `F16: byte ${atByte} of a larger file ${way}`;
    const flip: Fault = { way, atByte, kind: "flip", bit: chance.below(8) };
    this.#line.begin((index) => (index === 0 ? [flip] : []));
    const { status, stderr } = await runClient(this.#scene, [...words, "--plain"]);
    if (status !== 0) this.#campaign.fail(`${what}: status ${status}: ${stderr}`);
    else if ((await sha256Of(place)) !== sha256) this.#campaign.fail(`${what}: other content`);
    if (this.#line.struck.length === 0) this.#campaign.fail(`${what}: nothing was flipped`);
    const passedBytes = this.#line.passedBytes[way];
    // What was in flight behind the chunk goes again too.
    const boundBytes = CHUNKS_BYTES + CHUNK_BYTES + WINDOW_BYTES + MIB;
    if (passedBytes > boundBytes) this.#campaign.fail(`${what}: ${passedBytes} bytes were sent`);
  }

  async #flipOne(way: Way, isFirst: boolean): Promise<void> {
    const chance = this.#chance;
    const client = await this.#guest.signInPlain(this.#line.port);
    const place = chance.below(PIECES * PIECE_BYTES + FRAMING_BYTES);
    const bit = chance.below(8);
    const flip = () => {
      if (!isFirst) this.#line.inject({ way, atByte: place, kind: "flip", bit });
    };
    const what = `F16: bit ${bit} of byte ${place} ${way}`;
    const kind =
      way === "toServer"
        ? await this.#put(client, flip, what)
        : await this.#get(client, flip, what);
    this.counts.bits += 1;
    if (kind === "done") this.counts.bitsHarmless += 1;
    else if (kind === "CONNECTION_LOST") this.counts.bitsWaited += 1;
    else this.counts.bitsFound += 1;
    client.connection.terminate();
    this.#line.cut();
  }

  async #put(client: Client, flip: () => void, what: string): Promise<string> {
    const content = this.#chance.bytes(PIECES * PIECE_BYTES);
    const sha256 = sha256Hex(content);
    const place = `${this.#scene.data}/storage/${BITS_USER}/bits`;
    this.#watcher.allow(place, sha256);
    flip();
    const sending = async () => {
      const { id, reply } = openUpload(client, "/bits", content.byteLength);
      const { storedBytes } = await reply;
      for (let offset = storedBytes; offset < content.byteLength; offset += PIECE_BYTES) {
        await sendPiece(client, id, offset, content.subarray(offset, offset + PIECE_BYTES));
      }
      await commitPiece(client, id, content);
    };
    const kind = await patiently(client, kindOf(sending()));
    const found = existsSync(place) ? sha256Hex(readFileSync(place)) : "";
    if (kind === "done" && found !== sha256) this.#campaign.fail(`${what}: done, and not there`);
    if (found !== sha256 && found !== this.#stored) this.#campaign.fail(`${what}: published`);
    this.#stored = found;
    return kind;
  }

  async #get(client: Client, flip: () => void, what: string): Promise<string> {
    const local = this.#scene.path("bits-got");
    await rm(local, { force: true });
    flip();
    const kind = await patiently(client, kindOf(getOnce(client, "/bits", local)));
    const found = existsSync(local) ? sha256Hex(readFileSync(local)) : "";
    if ((kind === "done" || found !== "") && found !== this.#stored) {
      this.#campaign.fail(`${what}: ${kind}, and other content`);
    }
    return kind;
  }
}

/** Gives the connection up when the other side waits for bytes that never come. */
async function patiently(client: Client, work: Promise<string>): Promise<string> {
  const timer = setTimeout(() => client.connection.terminate(), ANSWER_MS_MAX);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
