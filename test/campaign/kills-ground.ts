/**
 * What the clients of kills.ts stand on: accounts, files to send, one server that is
 * killed and started again on its port and data, and what is seen in the homes.
 *
 * `up` and `open` are what clients wait for: the server is there, nobody is asked to be
 * quiet. Everything is ended by `scene.end`.
 */
import {
  closeSync,
  copyFileSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_BYTES, SIGN_IN_MS_MAX } from "../../src/base/limits.ts";
import type { Chance } from "../support/chance.ts";
import { makeFile, Server, sha256Of } from "../e2e/binary.ts";
import type { Scene } from "../e2e/binary.ts";
import type { Campaign } from "./campaign.ts";
import { descriptorsOf, violations } from "./invariant.ts";
import { DIRECTORY, HomeModel } from "./kills-model.ts";
import type { Content, Finding, Seen } from "./kills-model.ts";
import { demandDescriptors } from "./rounds-peers.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export type Child = ReturnType<Scene["start"]>;

export const PASSWORD = "pw";

/** Around what is sent in one flight (512 KiB), around chunks, and in between. */
const SMALL_BYTES = [0, 1, 700, 64 * KIB, 512 * KIB - 1, 512 * KIB, 512 * KIB + 1, MIB, 3 * MIB];
const LARGE_BYTES = [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 12 * MIB, 17 * MIB, 24 * MIB];

/** One account of the campaign is refused now and then. */
const TIGHT_QUOTA = "40M";

/** The thread that digests files has two, and it begins when it is needed. */
const SPARE_DESCRIPTORS = 2;

/** A connection on which nobody signs in is closed before. */
const IDLE_MS_MAX = SIGN_IN_MS_MAX + 10_000;
const LOGIN_MS_MAX = 2_000;

/** A file that was changed so lately may be changed again without its times telling. */
const STABLE_MS_MIN = 50;

export interface Source {
  readonly local: string;
  readonly bytes: number;
  readonly content: Content;
}

export interface Counts {
  serverKills: number;
  clientKills: number;
  killsWhileStarting: number;
  killsWhilePublishing: number;
  acknowledged: number;
  refused: number;
  interrupted: number;
  gets: number;
  lost: number;
  partial: number;
  drift: number;
}

export class Ground {
  readonly scene: Scene;
  readonly campaign: Campaign;
  readonly homes: HomeModel[] = [];
  readonly counts: Counts = {
    serverKills: 0,
    clientKills: 0,
    killsWhileStarting: 0,
    killsWhilePublishing: 0,
    acknowledged: 0,
    refused: 0,
    interrupted: 0,
    gets: 0,
    lost: 0,
    partial: 0,
    drift: 0,
  };
  /** Files to send: small ones, large ones, and the large ones' twins. */
  readonly small: Source[] = [];
  readonly large: Source[] = [];
  server: Server;
  up: Promise<void> = Promise.resolve();
  open: Promise<void> = Promise.resolve();
  #rise: () => void = () => {};
  #reopen: () => void = () => {};
  /** Of an idle server. */
  readonly #descriptorCount: number;
  readonly #digests = new Map<string, Content>();

  #isOver = false;

  private constructor(scene: Scene, campaign: Campaign, server: Server, descriptorCount: number) {
    this.scene = scene;
    this.campaign = campaign;
    this.server = server;
    this.#descriptorCount = descriptorCount;
    this.#follow(server);
  }

  /** The first account has little room. */
  static async prepare(scene: Scene, campaign: Campaign, accountCount: number): Promise<Ground> {
    const users = Array.from({ length: accountCount }, (_, index) => `user${index}`);
    for (const [index, user] of users.entries()) {
      const options = index === 0 ? ["--quota", TIGHT_QUOTA] : [];
      await scene.addUser(user, PASSWORD, ...options);
    }
    const server = await scene.serve();
    await server.event("recounted");
    const ground = new Ground(scene, campaign, server, descriptorsOf(server));
    ground.homes.push(...users.map((user) => new HomeModel(user)));
    await ground.#makeSources();
    return ground;
  }

  isTight({ user }: HomeModel): boolean {
    return this.homes[0]?.user === user;
  }

  pick(chance: Chance): Source {
    const sources = chance.percent(60) ? this.small : this.large;
    const source = sources[chance.below(sources.length)];
    if (source === undefined) throw new Error("no files to send");
    return source;
  }

  /** Something small, where it does not matter what. */
  get filler(): Source {
    const [, , source] = this.small;
    if (source === undefined) throw new Error("no files to send");
    return source;
  }

  /** The longest file and its twin. */
  get longest(): readonly [Source, Source] {
    const [source, twin] = this.large.slice(-2);
    if (source === undefined || twin === undefined) throw new Error("no files to send");
    return [source, twin];
  }

  isLarge(content: Content): boolean {
    return this.large.some((source) => source.content === content);
  }

  /** Somebody has just signed in, so that something is about to be done. */
  async nextLogin(): Promise<void> {
    const { events } = this.server;
    const before = events.length;
    const login = this.server.event("login", (event) => events.indexOf(event) >= before);
    await Promise.race([login, Bun.sleep(LOGIN_MS_MAX)]);
  }

  /** New commands wait until `invite`. */
  quiet(): void {
    this.open = new Promise((resolve) => (this.#reopen = resolve));
  }

  invite(): void {
    this.#reopen();
  }

  async kill(): Promise<void> {
    this.up = new Promise((resolve) => (this.#rise = resolve));
    await this.server.kill();
    await this.#demandSilence(this.server);
  }

  /** Starts a process, or never returns: after `end` nobody would end it. */
  async start(words: readonly string[]): Promise<Child> {
    if (this.#isOver) await new Promise<never>(() => {});
    return this.scene.start(words, { env: { FTPX_PASSWORD: PASSWORD } });
  }

  /** Nothing is started any more: all of it is about to end. */
  end(): void {
    this.#isOver = true;
  }

  /** @param killsAfterMs starts it in vain first: it is killed again so soon after its start */
  async restart(killsAfterMs: readonly number[]): Promise<void> {
    const { scene, server } = this;
    const listen = ["--listen", `127.0.0.1:${server.port}`];
    const words = ["serve", "--json", "--data", scene.data, ...listen];
    for (const afterMs of killsAfterMs) {
      const child = await this.start(words);
      await Bun.sleep(afterMs);
      child.kill("SIGKILL");
      await child.exited;
      this.counts.killsWhileStarting += 1;
    }
    this.server = await Server.open(await this.start(words));
    this.#follow(this.server);
    this.#rise();
    // Uploads that were killed between their rename and their settlement, or before the rename.
    const { finished, takenBack } = await this.server.event("recovered");
    this.counts.killsWhilePublishing += Number(finished) + Number(takenBack);
  }

  /** Room for everything that was refused, in a running server. */
  async widen(): Promise<void> {
    const [{ user } = { user: "" }] = this.homes;
    const words = ["usermod", user, "--quota", "1G", "--data", this.scene.data];
    const { status, stderr } = await this.scene.run(words);
    if (status !== 0) this.campaign.fail(`usermod: ${status} ${stderr}`);
    await this.server.event("reload");
  }

  /** Content of everything in a home. What vanishes while it is looked at is left out. */
  async look({ user }: HomeModel): Promise<Seen> {
    const home = join(this.scene.data, "storage", user);
    const seen = new Map<string, Content>();
    const directories = [""];
    for (const directory of directories) {
      for (const name of namesIn(home + directory)) {
        const path = `${directory}/${name}`;
        const content = await this.#contentOf(home + path);
        if (content === DIRECTORY) directories.push(path);
        if (content !== undefined) seen.set(path, content);
      }
    }
    return seen;
  }

  /** Looks again at every byte the next time. */
  forgetDigests(): void {
    this.#digests.clear();
  }

  async lookForPartial(): Promise<void> {
    for (const home of this.homes) this.#report(home.partial(await this.look(home)));
  }

  /** To be called when the server is dead or nothing is under way. */
  async judge(): Promise<void> {
    // All are looked at before one is judged: acknowledgements come in meanwhile.
    const seen = await Promise.all(this.homes.map((home) => this.look(home)));
    for (const [index, home] of this.homes.entries()) {
      this.#report(home.judge(seen[index] ?? new Map()));
    }
  }

  /** Descriptors back at the baseline, and nothing for `ftpx check` to find. */
  async demandOrder(): Promise<void> {
    const most = this.#descriptorCount + SPARE_DESCRIPTORS;
    await demandDescriptors(this.campaign, this.server, most, IDLE_MS_MAX);
    await this.check();
  }

  /** `ftpx check`, which may be asked while everybody works. */
  async check(): Promise<void> {
    for (const violation of await violations(this.scene)) {
      this.counts.drift += 1;
      this.campaign.fail(violation);
    }
  }

  #report(findings: readonly Finding[]): void {
    for (const { kind, text } of findings) {
      this.counts[kind] += 1;
      this.campaign.fail(`${kind}: ${text}`);
    }
  }

  /** Neither faults nor anything on stderr, except that it runs as root. */
  async #demandSilence({ events, stderr }: Server): Promise<void> {
    const faults = events.filter(({ event }) => event === "fault" || event === "defect");
    for (const fault of faults) this.campaign.fail(JSON.stringify(fault));
    const lines = (await stderr).split("\n").filter((line) => !/^$|running as root/.test(line));
    if (lines.length > 0) this.campaign.fail(`the server said: ${lines.join("\n")}`);
  }

  #follow(server: Server): void {
    const { process } = server;
    const ended = async () => {
      const status = await process.exited;
      if (process.signalCode === "SIGKILL") return;
      this.campaign.fail(`the server ended by itself: ${status} ${await server.stderr}`);
    };
    void ended();
  }

  async #contentOf(file: string): Promise<Content | undefined> {
    const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isDirectory()) return DIRECTORY;
    const { ino, size, mtimeNs, ctimeNs } = stats;
    const key = `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    const ageMs = Date.now() - Number(ctimeNs / 1_000_000n);
    const content = await sha256Of(file).catch(() => undefined);
    if (content !== undefined && ageMs > STABLE_MS_MIN) this.#digests.set(key, content);
    return content;
  }

  async #makeSources(): Promise<void> {
    const folder = this.scene.path("sources");
    await mkdir(folder);
    for (const bytes of SMALL_BYTES) this.small.push(this.#make(folder, bytes));
    for (const bytes of LARGE_BYTES) {
      const source = this.#make(folder, bytes);
      this.large.push(source);
      if (bytes > CHUNK_BYTES) this.large.push(await twinOf(source));
    }
  }

  #make(folder: string, bytes: number): Source {
    const local = join(folder, `${bytes}`);
    return { local, bytes, content: makeFile(local, bytes, bytes + 1) };
  }
}

/** The same bytes in the first chunk, others behind it. */
async function twinOf({ local, bytes }: Source): Promise<Source> {
  const twin = `${local}.twin`;
  copyFileSync(local, twin);
  const fd = openSync(twin, "r+");
  const byte = new Uint8Array(1);
  readSync(fd, byte, 0, 1, CHUNK_BYTES);
  writeSync(
    fd,
    byte.map((bits) => ~bits),
    0,
    1,
    CHUNK_BYTES,
  );
  closeSync(fd);
  // Only its content tells it from the other one.
  const { atime, mtime } = statSync(local);
  utimesSync(twin, atime, mtime);
  return { local: twin, bytes, content: await sha256Of(twin) };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Removed since it was seen.
    return [];
  }
}
