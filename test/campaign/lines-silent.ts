/**
 * F4 and F13: clients that vanish without a word, and lines that go dead.
 *
 * F4: a client is stopped (SIGSTOP), or its line is a hole that stays open, in the middle of a put. The
 * same user's second client goes on within 5 s of its start; what the first one
 * still sends, when it comes back, is refused or comes to the same content, and never
 * damages the file. F13: peers that have gone silent are given up, on both sides.
 */
import { makeFile, sha256Of, linesOf } from "../e2e/binary.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { sendPiece } from "../e2e/wire.ts";
import { CONNECT_MS_MAX, SILENCE_MS_MAX, WATCH_EVERY_MS } from "../../src/base/limits.ts";
import type { Client } from "../../src/client/client.ts";
import type { Chance } from "../support/chance.ts";
import type { Campaign } from "./campaign.ts";
import { descriptorsOf } from "./invariant.ts";
import type { Told } from "./invariant.ts";
import { FaultyLine } from "./lines-proxy.ts";
import { forkChance, Guest, openUpload, runClient, until, WITH_PASSWORD } from "./rounds-peers.ts";

const MIB = 1024 * 1024;

/** The first client's part is at least one proved chunk when it vanishes. */
const VANISH_BYTES = 9 * MIB;
const FILE_BYTES = 24 * MIB;
const PACE = ["--limit", "24M"];

/** F4: the second client goes on so soon after its start. */
const RESUME_MS_MAX = 5_000;

/** F13: half-open peers are gone. */
const REAP_MS_MAX = 90_000;
const REAPED = 100;

/** What a loaded machine may add to a deadline that the program keeps. */
const SLACK_MS = 5_000;

/** Refused because another session has it, or the connection was given up meanwhile. */
const ENDED_BY_OTHERS = [69, 75];

const USER = "vera";

export class SilentRuns {
  readonly counts = { vanished: 0, resumeMsMax: 0, dead: 0, deadMsMax: 0, reaped: 0, reapMs: 0 };
  readonly told: Told[] = [];
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #campaign: Campaign;

  constructor(scene: Scene, server: Server, campaign: Campaign) {
    this.#scene = scene;
    this.#server = server;
    this.#campaign = campaign;
  }

  static async addAccount(scene: Scene): Promise<void> {
    await Guest.add(scene, USER);
  }

  /** F4: a stopped client and one in a hole at once, in each round. */
  async vanish(rounds: number): Promise<void> {
    const chance = forkChance(this.#campaign.chance);
    for (let round = 0; round < rounds; round += 1) {
      const startMs = await this.#startMs();
      const runs = [
        { isStopped: true, isSameSource: true },
        { isStopped: false, isSameSource: chance.percent(50) },
      ].map((way, index) =>
        this.#vanishOne(`/v${round}-${index}`, { ...way, startMs }, forkChance(chance)),
      );
      await Promise.all(runs);
    }
  }

  /** What a command needs before it asks for anything. */
  async #startMs(): Promise<number> {
    const beganMs = performance.now();
    const words = ["quota", this.#server.target(USER)];
    const { status, stderr } = await runClient(this.#scene, words);
    if (status !== 0) throw new Error(`F4: quota: ${stderr}`);
    return performance.now() - beganMs;
  }

  async #vanishOne(
    path: string,
    way: { readonly isStopped: boolean; readonly isSameSource: boolean; readonly startMs: number },
    chance: Chance,
  ): Promise<void> {
    const what = `F4: ${path} (${way.isStopped ? "stopped" : "hole"}, ${way.isSameSource ? "same" : "other"} source)`;
    const line = new FaultyLine(this.#server.port);
    const local = this.#scene.path(`vanish${path.slice(1)}`);
    const first = makeFile(local, FILE_BYTES, chance.below(2 ** 31));
    const words = (port: number) => ["put", local, this.#server.target(USER, path, port), ...PACE];
    const vanishing = this.#scene.start([...words(line.port), "--json"], WITH_PASSWORD);
    try {
      await progressOf(vanishing.stdout, VANISH_BYTES);
      if (way.isStopped) vanishing.kill("SIGSTOP");
      else line.freeze();
      const second = way.isSameSource
        ? first
        : makeFile(local + ".other", FILE_BYTES, chance.below(2 ** 31));
      const other = words(this.#server.port);
      if (!way.isSameSource) other[1] = local + ".other";
      const comesBackEarly = chance.percent(50);
      const comeBack = () => {
        if (way.isStopped) vanishing.kill("SIGCONT");
        else line.thaw();
      };
      const secondStatus = await this.#goOn(
        what,
        other,
        way,
        comesBackEarly ? comeBack : undefined,
      );
      comeBack();
      const [status, stderr] = await Promise.all([
        vanishing.exited,
        new Response(vanishing.stderr).text(),
      ]);
      this.counts.vanished += 1;
      if (secondStatus !== 0) this.#campaign.fail(`${what}: the second: ${secondStatus}`);
      if (status !== 0 && !ENDED_BY_OTHERS.includes(status)) {
        this.#campaign.fail(`${what}: the first: status ${status}: ${stderr}`);
      }
      // With status 0 the first one has put its own content, whole, behind the second.
      const expected = status === 0 ? first : second;
      const found = await sha256Of(`${this.#scene.data}/storage/${USER}${path}`);
      if (found !== expected) this.#campaign.fail(`${what}: neither's content (first: ${status})`);
      this.told.push({ user: USER, path, sha256: found });
    } finally {
      // A stopped process does not even hear of its end.
      vanishing.kill("SIGKILL");
      line.close();
    }
  }

  /** @returns the status of the second client */
  async #goOn(
    what: string,
    words: readonly string[],
    { startMs, isSameSource }: { readonly startMs: number; readonly isSameSource: boolean },
    comeBack: (() => void) | undefined,
  ): Promise<number> {
    const beganMs = performance.now();
    const child = this.#scene.start([...words, "--json"], WITH_PASSWORD);
    const errors = new Response(child.stderr).text();
    let resumedAt: number | undefined;
    let hasBegun = false;
    for await (const text of linesOf(child.stdout)) {
      const event = JSON.parse(text) as { event: string; bytes: number; resumedAt?: number };
      // Until something is on the other side it has only asked.
      if (!hasBegun && event.bytes > 0) {
        hasBegun = true;
        const elapsedMs = Math.round(performance.now() - beganMs - startMs);
        this.counts.resumeMsMax = Math.max(this.counts.resumeMsMax, elapsedMs);
        if (elapsedMs > RESUME_MS_MAX) this.#campaign.fail(`${what}: after ${elapsedMs} ms`);
        comeBack?.();
      }
      if (event.event === "done") resumedAt = event.resumedAt;
    }
    const status = await child.exited;
    if (status !== 0) this.#campaign.fail(`${what}: the second: ${await errors}`);
    if (isSameSource && (resumedAt ?? 0) < 8 * MIB) {
      this.#campaign.fail(`${what}: went on at ${resumedAt}, not behind the first chunk`);
    }
    return status;
  }

  /** A server that accepts and never says a word: the client gives it up. */
  async deafServer(): Promise<void> {
    const line = new FaultyLine(this.#server.port);
    line.freeze();
    try {
      const beganMs = performance.now();
      const words = ["quota", this.#server.target(USER, "/", line.port), "--retries", "0"];
      const what = "a server that says nothing";
      const ran = await runClient(this.#scene, words, CONNECT_MS_MAX + 2 * SLACK_MS);
      this.#noteDead(what, performance.now() - beganMs, CONNECT_MS_MAX);
      if (ran.status !== 69) this.#campaign.fail(`${what}: status ${ran.status}: ${ran.stderr}`);
    } finally {
      line.close();
    }
  }

  /** Lines that die in the middle of a transfer: the client notices and goes on over a new one. */
  async dieInTheMiddle(count: number): Promise<void> {
    const runs = Array.from({ length: count }, (_hole, index) =>
      this.#dieOnce(index, forkChance(this.#campaign.chance)),
    );
    await Promise.all(runs);
  }

  async #dieOnce(index: number, chance: Chance): Promise<void> {
    const path = `/d${index}`;
    const what = `F13: a line that died (${index})`;
    const line = new FaultyLine(this.#server.port);
    const local = this.#scene.path(`dead${index}`);
    const sha256 = makeFile(local, FILE_BYTES, chance.below(2 ** 31));
    const isPut = chance.percent(50);
    const target = (port: number) => this.#server.target(USER, path, port);
    try {
      const place = isPut ? `${this.#scene.data}/storage/${USER}${path}` : `${local}.got`;
      if (!isPut) await this.#demandDone(what, ["put", local, target(this.#server.port)]);
      await this.#demandDone(what, ["ls", this.#server.target(USER, "/", line.port)]);
      const atByte = chance.between(1, 20) * MIB;
      const way = isPut ? "toServer" : "toClient";
      let diedMs = Number.NaN;
      let backMs = Number.NaN;
      line.begin((connection) => {
        if (connection === 1) backMs = performance.now();
        return connection === 0 ? [{ way, atByte, kind: "die" }] : [];
      });
      line.onFault = () => (diedMs = performance.now());
      await this.#demandDone(
        what,
        isPut ? ["put", local, target(line.port)] : ["get", target(line.port), place],
      );
      this.#noteDead(what, backMs - diedMs, SILENCE_MS_MAX + 2 * WATCH_EVERY_MS);
      if ((await sha256Of(place)) !== sha256) this.#campaign.fail(`${what}: other content`);
      this.told.push({ user: USER, path, sha256 });
    } finally {
      line.close();
    }
  }

  async #demandDone(what: string, words: readonly string[]): Promise<void> {
    const { status, stderr } = await runClient(this.#scene, words);
    if (status !== 0) this.#campaign.fail(`${what}: ${words[0]}: status ${status}: ${stderr}`);
  }

  #noteDead(what: string, elapsedMs: number, limitMs: number): void {
    this.counts.dead += 1;
    this.counts.deadMsMax = Math.max(this.counts.deadMsMax, Math.round(elapsedMs));
    // A number that is none was never measured.
    if (!(elapsedMs <= limitMs + SLACK_MS)) {
      this.#campaign.fail(`${what}: noticed after ${Math.round(elapsedMs)} ms`);
    }
  }

  /** F13: a hundred clients in a hole, some idle, some with an upload: all are given up by the server. */
  async reap(): Promise<void> {
    const guest = new Guest(USER);
    const baseline = descriptorsOf(this.#server);
    const line = new FaultyLine(this.#server.port);
    try {
      const clients = await guest.signInMany(this.#server, REAPED, line.port);
      await Promise.all(clients.map((client, index) => beginSomething(client, index)));
      const held = descriptorsOf(this.#server) - baseline;
      line.freeze();
      const beganMs = performance.now();
      await until(
        "F13: descriptors back",
        () => descriptorsOf(this.#server) <= baseline,
        REAP_MS_MAX + SLACK_MS,
      ).catch((error: unknown) =>
        this.#campaign.fail(
          `${String(error)}: ${descriptorsOf(this.#server)}, at first ${baseline}`,
        ),
      );
      this.counts.reaped = REAPED;
      this.counts.reapMs = Math.round(performance.now() - beganMs);
      if (held < REAPED) this.#campaign.fail(`F13: only ${held} descriptors were held`);
      if (this.counts.reapMs > REAP_MS_MAX)
        this.#campaign.fail(`F13: after ${this.counts.reapMs} ms`);
    } finally {
      guest.close();
      line.close();
    }
  }
}

/** A third idle, a third with an open upload, a third in the middle of its content. */
async function beginSomething(client: Client, index: number): Promise<void> {
  if (index % 3 === 0) return;
  const { id, reply } = openUpload(client, `/reaped-${index}`, MIB);
  await reply;
  if (index % 3 === 1) await sendPiece(client, id, 0, new Uint8Array(100_000));
}

/** Reads events until so many bytes are on the other side; goes on reading what comes after. */
async function progressOf(stdout: ReadableStream<Uint8Array>, bytes: number): Promise<void> {
  const reached = Promise.withResolvers<void>();
  const follow = async () => {
    for await (const text of linesOf(stdout)) {
      const event = JSON.parse(text) as { event: string; bytes?: number };
      if ((event.bytes ?? 0) >= bytes) reached.resolve();
    }
    reached.reject(new Error("the client ended before it could vanish"));
  };
  void follow();
  await reached.promise;
}
