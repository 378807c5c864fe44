/**
 * V2: sessions of every kind against the compiled server, over TLS, plain TCP and the operator's
 * socket, some at once (P1, I6, I7, A2, A8, D1, D8, Q3).
 *
 *   bun test/fuzz/sessions.ts [--seed N] [--sessions N] [--lanes N] [--every N] [--within MS]
 *     [--first N]
 *
 * A session ends before the greeting, before sign-in, or does what users do: uploads, resumes,
 * downloads, listings, all rows of the table. Frames are right, nearly right or spoiled, in wrong
 * order, with wrong ids, twice, cut; connections end by FIN, RST, in the middle of a frame. The
 * server stays alive, answers what is whole in time and in its own shapes, tells of no defect, and
 * lets a good client sign in, list, put and get. After each `--every` sessions INV holds, every
 * file is one that was put, and descriptors and memory are level. By hand: --sessions 100000
 * --within 1000. A finding of session N comes again with the seed and `--first N --sessions 1`,
 * unless it takes others beside it.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCampaign } from "../campaign/campaign.ts";
import type { Campaign } from "../campaign/campaign.ts";
import { plantCanary, sha256Hex, violations } from "../campaign/invariant.ts";
import {
  demandDescriptors,
  demandMemory,
  Guest,
  idleDescriptors,
  until,
} from "../campaign/rounds-peers.ts";
import { Scene } from "../e2e/binary.ts";
import type { Server } from "../e2e/binary.ts";
import { Chance } from "../support/chance.ts";
import { residentBytesOf } from "../support/process.ts";
import { formatKeyLine } from "../../src/base/keyblob.ts";
import { LIST_PAGE_ENTRIES_MAX } from "../../src/base/limits.ts";
import { Actor } from "./actor.ts";
import {
  OPERATORS_EPISODES,
  SILENT_EPISODES,
  STRANGERS_EPISODES,
  USERS_EPISODES,
} from "./episodes.ts";
import type { Episode } from "./episodes.ts";
import { GoodClient } from "./goodclient.ts";
import { CONTENTS, FUZZ_KEY, FUZZERS, markOf, Memory } from "./memory.ts";
import { Peer } from "./peer.ts";
import type { Way } from "./peer.ts";

const DEFAULTS = { first: 1, sessions: 300, lanes: 6, every: 1000, within: 10_000 };
const MANY_FILES = LIST_PAGE_ENTRIES_MAX + 200;
/** The good client comes by after so many. */
const VISIT_EVERY_SESSIONS = 100;
const UNWRITTEN = "ftpx_unwritten_bytes";
/** How far the server may grow beyond what it was after the first stretch. */
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;

if (import.meta.main) await runCampaign("sessions", DEFAULTS, fuzzSessions);

async function fuzzSessions(campaign: Campaign): Promise<Record<string, unknown>> {
  const scene = await Scene.begin();
  try {
    const field = await Field.open(scene, campaign);
    return await field.run();
  } finally {
    await scene.end();
  }
}

class Field {
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #campaign: Campaign;
  readonly #plainPort: number;
  readonly #good: GoodClient;
  readonly #baseline: number;
  readonly #isUntouched: () => Promise<boolean>;
  readonly #counts = {
    sessions: 0,
    notLetIn: 0,
    signedIn: 0,
    spoiled: 0,
    frames: 0,
    invariants: 0,
    transfers: 0,
  };
  readonly #lastWords = new Map<string, number>();
  #begun: number;
  /** The least since the first stretch, which is what the server takes. */
  #residentBytes = Number.POSITIVE_INFINITY;

  private constructor(
    scene: Scene,
    server: Server,
    campaign: Campaign,
    known: {
      plainPort: number;
      good: GoodClient;
      baseline: number;
      isUntouched: () => Promise<boolean>;
    },
  ) {
    this.#scene = scene;
    this.#server = server;
    this.#campaign = campaign;
    this.#plainPort = known.plainPort;
    this.#good = known.good;
    this.#baseline = known.baseline;
    this.#isUntouched = known.isUntouched;
    this.#begun = campaign.number("first") - 1;
  }

  static async open(scene: Scene, campaign: Campaign): Promise<Field> {
    const keyFile = scene.path("fuzz.pub");
    await Bun.write(keyFile, `${formatKeyLine(FUZZ_KEY.publicKey, "fuzz")}\n`);
    const limits = ["--quota", "20 MiB", "--files", String(MANY_FILES + 60)];
    for (const { name, access } of FUZZERS) {
      const means = ["--no-password", "--add-key", keyFile, "--access", access];
      const { status, stderr } = await scene.operate("useradd", name, ...means, ...limits);
      if (status !== 0) throw new Error(`useradd ${name}: ${stderr}`);
      plantMany(join(scene.data, "storage", name, `many${markOf(name)}`));
    }
    const guest = await Guest.add(scene, "good");
    const isUntouched = await plantCanary(scene);
    const metrics = ["--metrics", "127.0.0.1:0"];
    const server = await scene.serve(
      "--plain",
      "127.0.0.1:0",
      "--registration",
      "open",
      ...metrics,
    );
    // Where they are is told once, and what is told is cleared again and again.
    await server.metric(UNWRITTEN);
    const { port } = await server.event("listening-plain");
    const baseline = await idleDescriptors(scene, server, "good");
    const good = new GoodClient(scene, server, guest);
    await good.visit();
    return new Field(scene, server, campaign, {
      plainPort: Number(port),
      good,
      baseline,
      isUntouched,
    });
  }

  async run(): Promise<Record<string, unknown>> {
    const { last, lanes, every } = this.#sizes;
    while (this.#begun < last) {
      const end = Math.min(last, this.#begun + every);
      await Promise.all(Array.from({ length: lanes }, () => this.#lane(end)));
      await this.#demandLevel();
      this.#campaign.progress(`${this.#begun} of ${last}, ${this.#residentBytes >> 20} MiB`);
    }
    if (!(await this.#isUntouched())) this.#campaign.fail("something changed beside the data");
    if ((await this.#server.stop()) !== 0) this.#campaign.fail("the server did not end with 0");
    const residentMib = this.#residentBytes >> 20;
    const { visits, slowestMs } = this.#good;
    const ends = Object.fromEntries([...this.#lastWords].toSorted(([, a], [, b]) => b - a));
    return { ...this.#counts, visits, slowestMs, residentMib, ends };
  }

  get #sizes() {
    const number = (name: keyof typeof DEFAULTS) => this.#campaign.number(name);
    const last = number("first") - 1 + number("sessions");
    return { last, lanes: number("lanes"), every: number("every") };
  }

  async #lane(end: number): Promise<void> {
    while (this.#begun < end) {
      this.#begun += 1;
      const number = this.#begun;
      // A session of this number is the same whatever the others do.
      await this.#session(number, new Chance(this.#campaign.seed * 7919 + number));
      if (number % VISIT_EVERY_SESSIONS === 0) await this.#visit(number);
    }
  }

  async #session(number: number, chance: Chance): Promise<void> {
    const peer = await Peer.open(this.#wayFor(chance));
    this.#counts.sessions += 1;
    if (peer === undefined) {
      this.#counts.notLetIn += 1;
      return;
    }
    const spoiledPercent = chance.pick([0, 0, 5, 5, 20, 60]);
    const { fingerprint } = this.#server;
    const memory = new Memory(chance);
    const actor = new Actor(peer, memory, chance, { spoiledPercent, fingerprint });
    try {
      await this.#play(actor);
      await this.#end(actor);
    } finally {
      peer.terminate();
    }
    this.#counts.frames += actor.frameCount;
    if (peer.isSpoiled) this.#counts.spoiled += 1;
    const word = peer.lastWord ?? "-";
    this.#lastWords.set(word, (this.#lastWords.get(word) ?? 0) + 1);
    const { door } = peer.way;
    for (const what of peer.violations) this.#campaign.fail(`session ${number} (${door}): ${what}`);
  }

  #wayFor(chance: Chance): Way {
    const door = chance.pick(["tls", "tls", "plain", "plain", "plain", "operator"] as const);
    const port = door === "tls" ? this.#server.port : this.#plainPort;
    const unix = join(this.#scene.data, "storage/.ftpx/operator.sock");
    // From all over 127/8, because what one source may do has a bound of its own.
    const source = `127.${chance.between(1, 254)}.${chance.below(256)}.${chance.between(1, 254)}`;
    return { door, port, unix, source };
  }

  async #play(actor: Actor): Promise<void> {
    const { chance, memory, peer } = actor;
    if (chance.percent(10)) return await playSome(actor, SILENT_EPISODES);
    await actor.greet();
    if (peer.way.door === "operator") return await playSome(actor, OPERATORS_EPISODES);
    if (chance.percent(25)) return await playSome(actor, STRANGERS_EPISODES);
    if (!(await actor.signIn(memory.user))) return;
    this.#counts.signedIn += 1;
    await playSome(actor, USERS_EPISODES);
  }

  /** As connections end: properly, cut, in the middle of a frame, or by the server. */
  async #end(actor: Actor): Promise<void> {
    const { chance, peer } = actor;
    if (peer.isGone) return;
    const way = chance.below(4);
    if (way < 2) await actor.demandAnswer();
    if (way === 0) {
      peer.finish();
      await Promise.race([peer.gone, Bun.sleep(peer.isSpoiled ? 20 : 2000)]);
    } else if (way === 3) actor.garbage();
  }

  async #visit(number: number): Promise<void> {
    const ms = await this.#good.visit().catch((error: unknown) => {
      this.#campaign.fail(`after session ${number} the good client: ${String(error)}`);
      return 0;
    });
    const withinMs = this.#campaign.number("within");
    if (ms > withinMs) this.#campaign.fail(`the good client took ${ms} ms at session ${number}`);
    for (const { event, stack } of this.#server.events.splice(0)) {
      if (event === "transfer") this.#counts.transfers += 1;
      if (event === "defect") this.#campaign.fail(`a defect: ${String(stack)}`);
    }
  }

  /** When nobody is there, everything is as if nobody had been. */
  async #demandLevel(): Promise<void> {
    await this.#visit(this.#begun);
    await demandDescriptors(this.#campaign, this.#server, this.#baseline);
    for (const what of await violations(this.#scene)) this.#campaign.fail(what);
    for (const what of strangersAmong(this.#scene)) this.#campaign.fail(what);
    this.#counts.invariants += 1;
    const ask = async () => await this.#visit(this.#begun);
    const mostBytes = this.#residentBytes + GROWTH_BYTES_MAX;
    await demandMemory(this.#campaign, this.#server, mostBytes, ask);
    const now = residentBytesOf(this.#server.process.pid);
    this.#residentBytes = Math.min(this.#residentBytes, now);
    const isWritten = async () => (await this.#server.metric(UNWRITTEN)) === 0;
    await until("nothing waits for the disk", isWritten).catch((error: unknown) =>
      this.#campaign.fail(String(error)),
    );
  }
}

async function playSome(actor: Actor, episodes: readonly [Episode, ...Episode[]]): Promise<void> {
  const { chance, peer } = actor;
  for (let count = chance.between(1, 4); count > 0 && !peer.isGone; count -= 1) {
    await chance.pick(episodes)(actor);
  }
}

/** Empty files, more than one page of a listing holds. */
function plantMany(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let number = 0; number < MANY_FILES; number += 1)
    writeFileSync(join(folder, `${number}`), "");
}

/** What is in a home of the fuzzers and cannot be: content that nobody put, names of another home. */
function strangersAmong(scene: Scene): string[] {
  const known = new Set(CONTENTS.map(({ hex }) => hex));
  return FUZZERS.flatMap(({ name: user }) => {
    const others = FUZZERS.filter(({ name }) => name !== user).map(({ name }) => markOf(name));
    const found = entriesBelow(Buffer.from(`${scene.data}/storage/${user}`));
    const foreign = found.filter(({ place }) => others.some((mark) => place.includes(mark)));
    const unknown = found.filter(
      ({ place, isFile }) => isFile && !known.has(sha256Hex(readFileSync(place))),
    );
    return [
      ...foreign.map(({ place }) => `of another home: ${place.toString()}`),
      ...unknown.map(({ place }) => `other content: ${place.toString()}`),
    ];
  });
}

interface Entry {
  readonly place: Buffer;
  readonly isFile: boolean;
}

/** By bytes, because some of the names are no text. */
function entriesBelow(folder: Buffer): Entry[] {
  const slash = Buffer.from("/");
  return readdirSync(folder, { encoding: "buffer" }).flatMap((name) => {
    const place = Buffer.concat([folder, slash, name]);
    const stats = lstatSync(place);
    const entry = { place, isFile: stats.isFile() };
    return stats.isDirectory() ? [entry, ...entriesBelow(place)] : [entry];
  });
}
