/**
 * F1 and F16: puts and gets of the compiled client, each through a line of its own that
 * breaks in all the ways of lines-proxy.ts.
 *
 * A command ends with status 0 and the file is equal, or with an error that says it can go
 * on; then the old file or none stands at its destination, or the new one where only the
 * answer was lost. The same command, repeated over a sound line, completes.
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFile, sha256Of } from "../e2e/binary.ts";
import type { Ran, Scene, Server } from "../e2e/binary.ts";
import type { Chance } from "../support/chance.ts";
import type { Campaign } from "./campaign.ts";
import type { Told } from "./invariant.ts";
import { BITS_USER } from "./lines-bits.ts";
import { drawPlan } from "./lines-plans.ts";
import { FaultyLine } from "./lines-proxy.ts";
import type { Watcher } from "./lines-watcher.ts";
import { forkChance, Guest, runClient } from "./rounds-peers.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const USERS = ["lena", "luis"] as const;

/** Client processes at once. */
const JOBS = 4;

/** Paths that puts take in turn, so that later ones find older files. */
const PATHS = 24;

/** Files that gets fetch; PROTOCOL.md's chunk is 8 MiB. */
const SHELF_BYTES = [0, 1, 4000, 512 * KIB + 1, 3 * MIB, 8 * MIB, 8 * MIB + 1, 17 * MIB];

/** Connection lost, silent, busy, damaged: what another attempt mends. */
const RESUMABLE = [69, 75];

/** With few of them more is left to the repeated command; with more a run would wait for minutes. */
const RETRIES = ["0", "1", "2", "2"] as const;

/** Without TLS a flipped bit is also found as a wrong digest, or as a frame that is none. */
const PROVED_WRONG = [65, 76];

interface Job {
  readonly index: number;
  readonly direction: "put" | "get";
  readonly user: string;
  readonly path: string;
  readonly bytes: number;
  readonly isPlain: boolean;
  readonly chance: Chance;
}

export class TransferRuns {
  readonly counts = {
    puts: 0,
    gets: 0,
    plain: 0,
    attempts: 0,
    gaveUp: 0,
    wentOn: 0,
    storedUnheard: 0,
  };
  readonly struck: Record<string, number> = {};
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #plainPort: number;
  readonly #campaign: Campaign;
  readonly #watcher: Watcher;
  readonly #stored = new Map<string, Told>();
  /** The last put to each path: one is over before the next one begins. */
  readonly #puts = new Map<string, Promise<void>>();
  readonly #shelf: { readonly path: string; readonly bytes: number; readonly sha256: string }[] =
    [];

  /** @param plainPort of the same server, without TLS */
  constructor(
    scene: Scene,
    server: Server,
    plainPort: number,
    campaign: Campaign,
    watcher: Watcher,
  ) {
    this.#scene = scene;
    this.#server = server;
    this.#plainPort = plainPort;
    this.#campaign = campaign;
    this.#watcher = watcher;
  }

  /** What was told to be stored. */
  get told(): Told[] {
    return [...this.#stored.values()];
  }

  static async addAccounts(scene: Scene): Promise<void> {
    const users = [...USERS, BITS_USER];
    for (const user of users) await Guest.add(scene, user);
    await mkdir(scene.path("got"));
    for (const user of users) await mkdir(join(scene.data, "storage", user), { recursive: true });
  }

  static foldersOf(scene: Scene): string[] {
    return [
      scene.path("got"),
      ...[...USERS, BITS_USER].map((user) => join(scene.data, "storage", user)),
    ];
  }

  async run(count: number): Promise<void> {
    await this.#fillShelf();
    const jobs = Array.from({ length: count }, (_hole, index) => this.#drawJob(index));
    const queue = jobs.values();
    const work = async () => {
      const tls = new FaultyLine(this.#server.port);
      const plain = new FaultyLine(this.#plainPort);
      try {
        await this.#pin(tls);
        for (const job of queue) {
          this.#campaign.progress(`${job.index + 1}/${count} ${job.direction} ${job.bytes}`);
          await this.#transfer(job, job.isPlain ? plain : tls);
        }
      } finally {
        tls.close();
        plain.close();
      }
    };
    await Promise.all(Array.from({ length: JOBS }, work));
  }

  /** The first look at a server is not tried again; what comes after it is. */
  async #pin(line: FaultyLine): Promise<void> {
    const { status, stderr } = await this.#run(["ls", this.#server.target("lena", "/", line.port)]);
    if (status !== 0) throw new Error(`no line: ${stderr}`);
  }

  async #fillShelf(): Promise<void> {
    for (const [index, bytes] of SHELF_BYTES.entries()) {
      const local = this.#scene.path(`shelf-${index}`);
      const path = `/shelf-${index}`;
      const sha256 = makeFile(local, bytes, this.#campaign.chance.below(2 ** 31));
      this.#shelf.push({ path, bytes, sha256 });
      for (const user of USERS) this.#watcher.allow(this.#placeOf(user, path), sha256);
      for (const user of USERS) {
        const ran = await this.#run(["put", local, this.#server.target(user, path)]);
        if (ran.status !== 0) throw new Error(`no shelf: ${ran.stderr}`);
        this.#stored.set(`${user}${path}`, { user, path, sha256 });
      }
    }
  }

  #drawJob(index: number): Job {
    const chance = forkChance(this.#campaign.chance);
    const user = USERS[index % USERS.length] ?? USERS[0];
    const isPlain = chance.percent(30);
    if (chance.percent(40)) {
      const { path, bytes } = chance.pick(this.#shelf as [never, ...never[]]);
      return { index, direction: "get", user, path, bytes, isPlain, chance };
    }
    const path = `/f${index % PATHS}`;
    return { index, direction: "put", user, path, bytes: drawSize(chance), isPlain, chance };
  }

  async #transfer(job: Job, line: FaultyLine): Promise<void> {
    const { direction, bytes, isPlain, chance } = job;
    if (isPlain) this.counts.plain += 1;
    const plans = forkChance(chance);
    line.begin((index) => drawPlan(plans, { direction, bytes, isPlain, index }));
    if (direction === "get") await this.#get(job, line);
    else {
      const before = this.#puts.get(job.path);
      const putting = Promise.resolve(before).then(() => this.#put(job, line));
      this.#puts.set(job.path, putting);
      await putting;
    }
    line.cut();
    this.counts.attempts += line.connectionCount;
    for (const { kind } of line.struck) this.struck[kind] = (this.struck[kind] ?? 0) + 1;
  }

  async #put(job: Job, line: FaultyLine): Promise<void> {
    const { index, user, path, bytes, chance } = job;
    const local = this.#scene.path(`source-${index}`);
    const sha256 = makeFile(local, bytes, chance.below(2 ** 31));
    const place = this.#placeOf(user, path);
    this.#watcher.allow(place, sha256);
    this.counts.puts += 1;
    const wordsFor = (port: number) => ["put", local, ...this.#target(job, port)];
    const what = `put ${path} (transfer ${index})`;
    const isDone = await this.#attempt(what, job, wordsFor(line.port), line);
    if (!isDone) {
      const found = existsSync(place) ? await sha256Of(place) : undefined;
      if (found === sha256) this.counts.storedUnheard += 1;
      else if (found !== this.#stored.get(`${user}${path}`)?.sha256) {
        this.#campaign.fail(`${what}: not what stood there before`);
      }
      await this.#repeat(what, wordsFor(this.#portOf(job)));
    }
    if ((await sha256Of(place)) !== sha256) {
      this.#campaign.fail(`${what}: not what was sent`);
    }
    this.#watcher.allowOnly(place, sha256);
    this.#stored.set(`${user}${path}`, { user, path, sha256 });
    await rm(local);
  }

  async #get(job: Job, line: FaultyLine): Promise<void> {
    const { index, path, chance } = job;
    const local = this.#scene.path("got", `g${index}`);
    const shelf = this.#shelf.find((one) => one.path === path);
    if (shelf === undefined) throw new Error(`nothing at ${path}`);
    const { sha256 } = shelf;
    const hasOld = chance.percent(30);
    const old = this.#scene.path("shelf-2");
    this.#watcher.allow(local, sha256);
    if (hasOld) {
      this.#watcher.allow(local, await sha256Of(old));
      const copy = `${local}.copy`;
      this.#watcher.allow(copy, await sha256Of(old));
      await copyFile(old, local);
    }
    this.counts.gets += 1;
    const wordsFor = (port: number) => ["get", ...this.#target(job, port), local];
    const what = `get ${path} (transfer ${index})`;
    if (!(await this.#attempt(what, job, wordsFor(line.port), line))) {
      const found = existsSync(local) ? await sha256Of(local) : undefined;
      const expected = hasOld ? await sha256Of(old) : undefined;
      if (found !== expected) this.#campaign.fail(`${what}: not what stood there before`);
      await this.#repeat(what, wordsFor(this.#portOf(job)));
    }
    if ((await sha256Of(local)) !== sha256) this.#campaign.fail(`${what}: not what is stored`);
    const parts = await readdir(this.#scene.path("got"));
    const left = parts.filter((name) => name.startsWith(`.g${index}.`));
    if (left.length > 0) this.#campaign.fail(`${what}: ${left.join()} is left`);
    await rm(local);
  }

  /** Through the bad line. @returns whether it completed */
  async #attempt(
    what: string,
    { isPlain, chance }: Job,
    words: readonly string[],
    line: FaultyLine,
  ): Promise<boolean> {
    const { status, stderr } = await this.#run([...words, "--retries", chance.pick(RETRIES)]);
    if (status === 0) return true;
    this.counts.gaveUp += 1;
    const allowed = isPlain ? [...RESUMABLE, ...PROVED_WRONG] : RESUMABLE;
    if (!allowed.includes(status) || !stderr.includes("ftpx: ")) {
      const story = line.struck.map((fault) => JSON.stringify(fault)).join(" ");
      this.#campaign.fail(`${what}: status ${status}: ${stderr.trim()} after ${story}`);
    }
    return false;
  }

  /** The same command over a sound line. */
  async #repeat(what: string, words: readonly string[]): Promise<void> {
    const { status, stdout, stderr } = await this.#run(words);
    if (status !== 0) this.#campaign.fail(`${what}, repeated: status ${status}: ${stderr}`);
    const done = stdout.split("\n").find((text) => text.includes('"event":"done"'));
    const { resumedAt } = JSON.parse(done ?? "{}") as { resumedAt?: number };
    if ((resumedAt ?? 0) > 0) this.counts.wentOn += 1;
  }

  #run(words: readonly string[]): Promise<Ran> {
    return runClient(this.#scene, [...words, "--json"]);
  }

  #portOf({ isPlain }: Job): number {
    return isPlain ? this.#plainPort : this.#server.port;
  }

  /** The words that name it. */
  #target({ user, path, isPlain }: Job, port: number): string[] {
    if (!isPlain) return [this.#server.target(user, path, port)];
    return [`ftpx://${user}@127.0.0.1:${port}${path}`, "--plain"];
  }

  #placeOf(user: string, path: string): string {
    return join(this.#scene.data, "storage", user, path);
  }
}

function drawSize(chance: Chance): number {
  const kind = chance.below(100);
  if (kind < 10) return chance.below(3);
  if (kind < 35) return chance.below(512 * KIB);
  if (kind < 45) return 512 * KIB + chance.between(-1, 1);
  if (kind < 80) return chance.between(512 * KIB, 6 * MIB);
  if (kind < 90) return 8 * MIB + chance.between(-1, 1);
  return chance.between(8 * MIB, 20 * MIB);
}
