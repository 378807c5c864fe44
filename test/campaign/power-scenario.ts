/**
 * The scenario of the power-loss campaign: everything that changes a data directory, one
 * step after the other, each with what stands when it is acknowledged and with the place of
 * that acknowledgement in the history.
 *
 * A client's acknowledgement is placed behind the server's last words before it came, so
 * that what the server did afterwards counts as not promised yet.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { parsePath } from "../../src/base/path.ts";
import { TEMPORARY } from "../../src/base/replacement.ts";
import { makeFile, Server } from "../e2e/binary.ts";
import type { Scene } from "../e2e/binary.ts";
import type { Chance } from "../support/chance.ts";
import { sha256Hex } from "./invariant.ts";
import { History } from "./power-history.ts";
import type { Mark } from "./power-history.ts";
import { CUT_BYTES_MIN, PASSWORD, Person } from "./power-person.ts";
import { movedPath, Standing } from "./power-standing.ts";
import type { Sending } from "./power-standing.ts";
import { Traced } from "./power-tracer.ts";

export interface Step {
  readonly name: string;
  /** So many operations of the history had ended when it was acknowledged. */
  readonly position: number;
  readonly after: Standing;
  /** What the client does again when it gets no answer. */
  readonly sending: Sending | undefined;
  /** Where a path may be while the step is under way, besides where it was. */
  readonly moved: ((path: string) => string) | undefined;
}

/** When a step was acknowledged: by the clock, by what a program printed, or by its end. */
interface Heard {
  readonly program: Traced;
  readonly atMs?: number;
  readonly event?: string;
}

type Taken = Omit<Step, "position"> & { readonly heard: Heard };

/** So long nothing is asked for, and by less than so much the clocks differ. */
const QUIET_MS = 10;
const CLOCKS_MS = 2;

const KIB = 1024;
const OWNER = "ann";

export class Scenario {
  readonly #scene: Scene;
  readonly #chance: Chance;
  /** Its only content is the data directory, which the programs make. */
  readonly #disk: string;
  readonly #programs: Traced[] = [];
  readonly #taken: Taken[] = [];
  /** Files on the client's machine, with their SHA-256. */
  readonly #sources = new Map<string, string>();
  #standing = new Standing();
  #serving: { readonly program: Traced; readonly server: Server } | undefined;
  #person: Person | undefined;

  constructor(scene: Scene, chance: Chance) {
    this.#scene = scene;
    this.#chance = chance;
    this.#disk = scene.path("disk");
    mkdirSync(this.#disk);
  }

  async run(): Promise<void> {
    // Whichever comes first makes the data directory.
    const isServedFirst = this.#chance.percent(50);
    if (isServedFirst) await this.#start();
    await this.#command("useradd", OWNER);
    if (!isServedFirst) await this.#start();
    await this.#command("useradd", "bob");
    await this.#signIn();
    const unfinished = await this.#makeFiles();
    await this.#command("usermod", OWNER, "--quota", "1 GiB");
    await this.#kill();
    await this.#start();
    await this.#changeFiles(unfinished);
    const large = this.#makeLarge();
    await this.#put("big", large, true);
    await this.#put("big", this.#makeChanged(large), true);
    await this.#stop();
    await this.#command("usermod", "bob", "--quota", "2 GiB");
    await this.#start();
    await this.#stop();
  }

  /** What was recorded, when all programs have ended. */
  async record(): Promise<{ history: History; steps: Step[] }> {
    const records = await Promise.all(this.#programs.map((program) => program.entries()));
    const own = join(this.#data, "storage", ".ftpx");
    const files = readdirSync(own, { withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = [...this.#sources.keys(), ...files.map(({ name }) => join(own, name))];
    const sources = paths.map((path) => readFileSync(path));
    const history = new History(this.#disk, sources);
    history.replay(records);
    const steps = this.#taken.map(({ heard, ...step }) => {
      return { ...step, position: positionOf(history, heard) };
    });
    const isInOrder = steps.every(
      ({ position }, index) => position >= (steps[index - 1]?.position ?? 0),
    );
    if (!isInOrder) throw new Error("acknowledged in another order than asked");
    return { history, steps };
  }

  async end(): Promise<void> {
    this.#person?.close();
    await Promise.all(this.#programs.map((program) => program.kill()));
  }

  /** @returns the source of an upload to docs/part that was cut off */
  async #makeFiles(): Promise<string> {
    await this.#makeDirs("docs");
    await this.#makeDirs("a", "a/b", "a/b/c");
    await this.#put("empty", this.#makeSource(0, 0));
    await this.#put("docs/small", this.#makeSource(2 * KIB, 12 * KIB));
    await this.#put("a/b/c/deep", this.#makeSource(40 * KIB, 90 * KIB));
    await this.#put("big", this.#makeSource(CHUNK_BYTES + 1, CHUNK_BYTES + 900 * KIB));
    const unfinished = this.#makeLarge();
    await this.#put("docs/part", unfinished, true);
    await this.#put("docs/small", this.#makeSource(2 * KIB, 12 * KIB));
    return unfinished;
  }

  async #changeFiles(unfinished: string): Promise<void> {
    await this.#move("empty", "docs/moved");
    await this.#move("a/b/c/deep", "docs/small");
    await this.#put("docs/part", unfinished);
    await this.#copy("docs/small", "docs/twin");
    await this.#move("a", "docs/z");
    await this.#put("docs/z/b/late", this.#makeSource(1, 4 * KIB));
    await this.#remove("docs/moved", "remove");
    await this.#put("docs/moved", this.#makeSource(1, 4 * KIB));
    await this.#remove("docs/z/b/c", "removeDir");
    await this.#remove("docs/z", "remove");
    await this.#makeDirs("docs/z");
    await this.#put("docs/z/again", this.#makeSource(1, 4 * KIB));
  }

  async #command(name: "useradd" | "usermod", user: string, ...options: string[]): Promise<void> {
    const isNew = name === "useradd";
    const words = [name, user, "--json", "--data", this.#data, ...options];
    const stdin = isNew ? `${PASSWORD}\n` : undefined;
    const server = this.#serving?.server;
    const known = new Set(server?.events);
    const program = this.#trace(isNew ? [...words, "--password-stdin"] : words, stdin);
    const status = await program.process.exited;
    if (status !== 0) throw new Error(`${name}: status ${status}`);
    const standing = this.#withAccounts();
    const after = isNew ? standing.with({ users: [...standing.facts.users, user] }) : standing;
    this.#take(`${name} ${user}`, after, { program, event: `"event":"${name}"` });
    await server?.event("reload", (event) => !known.has(event));
    await Bun.sleep(QUIET_MS);
  }

  async #start(): Promise<void> {
    const words = ["serve", "--json", "--data", this.#data, "--listen", "127.0.0.1:0"];
    const program = this.#trace(words);
    const server = await Server.open(program.process);
    this.#serving = { program, server };
    const after = this.#withAccounts().with({ fingerprint: server.fingerprint });
    this.#take("start", after, { program, event: '"event":"listening"' });
    await server.event("recounted");
    this.#person = new Person(server, OWNER);
    await Bun.sleep(QUIET_MS);
  }

  async #stop(): Promise<void> {
    const { program, server } = this.#leave();
    const status = await server.stop();
    if (status !== 0) throw new Error(`serve: status ${status}`);
    this.#take("stop", this.#standing, { program });
  }

  /**
   * The disk goes on with what it was given: only the process is gone. Not in the middle of a
   * replacement: strace does not say of a call in which its program was killed whether it was
   * carried out.
   */
  async #kill(): Promise<void> {
    const own = join(this.#data, "storage", ".ftpx");
    do await Bun.sleep(QUIET_MS);
    while (readdirSync(own).some((name) => TEMPORARY.test(name)));
    const { program, server } = this.#leave();
    await server.kill();
    this.#take("kill -9", this.#standing, { program });
  }

  async #signIn(): Promise<void> {
    await this.#ask("sign-in", this.#standing, (person) => person.call("quota", {}));
  }

  async #put(path: string, local: string, isInterrupted = false): Promise<void> {
    const sending = { user: OWNER, path, local, sha256: this.#sources.get(local) ?? "" };
    const name = `put ${path}${isInterrupted ? ", cut off" : ""}`;
    const after = isInterrupted ? this.#standing.interrupt(sending) : this.#standing.put(sending);
    const send = async (person: Person) => {
      if (isInterrupted) await person.interruptedPut(local, path);
      else await person.put(local, path);
    };
    await this.#ask(name, after, send, { sending });
  }

  /** The last one with those of its parents that are missing. */
  async #makeDirs(...paths: readonly string[]): Promise<void> {
    const path = paths.at(-1) ?? "";
    const after = this.#standing.makeDirs(...paths.map((one) => `${OWNER}/${one}`));
    const request = { path: parsePath(`/${path}`), withParents: paths.length > 1 };
    await this.#ask(`mkdir ${path}`, after, (person) => person.call("makeDir", request));
  }

  async #copy(from: string, to: string): Promise<void> {
    const after = this.#standing.copy(`${OWNER}/${from}`, `${OWNER}/${to}`);
    const paths = { from: parsePath(`/${from}`), to: parsePath(`/${to}`) };
    const request = { ...paths, mayReplace: true };
    await this.#ask(`cp ${from} ${to}`, after, (person) => person.call("copy", request));
  }

  async #move(from: string, to: string): Promise<void> {
    const moved = (path: string) => movedPath(path, `${OWNER}/${from}`, `${OWNER}/${to}`);
    const after = this.#standing.move(`${OWNER}/${from}`, `${OWNER}/${to}`);
    const paths = { from: parsePath(`/${from}`), to: parsePath(`/${to}`) };
    const request = { ...paths, mayReplace: true };
    await this.#ask(`mv ${from} ${to}`, after, (person) => person.call("move", request), { moved });
  }

  async #remove(path: string, how: "remove" | "removeDir"): Promise<void> {
    const after = this.#standing.remove(`${OWNER}/${path}`);
    const at = parsePath(`/${path}`);
    await this.#ask(`${how} ${path}`, after, (person) =>
      how === "remove"
        ? person.call("remove", { path: at, isRecursive: true })
        : person.call("removeDir", { path: at }),
    );
  }

  async #ask(
    name: string,
    after: Standing,
    work: (person: Person) => Promise<void>,
    rest: Partial<Step> = {},
  ): Promise<void> {
    if (this.#person === undefined || this.#serving === undefined) throw new Error("no server");
    await work(this.#person);
    const atMs = performance.timeOrigin + performance.now();
    this.#take(name, after, { program: this.#serving.program, atMs }, rest);
    await Bun.sleep(QUIET_MS);
  }

  #take(name: string, after: Standing, heard: Heard, rest: Partial<Step> = {}): void {
    const { sending, moved } = rest;
    this.#taken.push({ name, after, heard, sending, moved });
    this.#standing = after;
  }

  get #data(): string {
    return join(this.#disk, "data");
  }

  #withAccounts(): Standing {
    const accounts = readFileSync(join(this.#data, "accounts.toml"), "utf8");
    return this.#standing.with({ accounts });
  }

  #makeSource(minBytes: number, maxBytes: number): string {
    const local = this.#scene.path(`source.${this.#sources.size}`);
    const sha256 = makeFile(
      local,
      this.#chance.between(minBytes, maxBytes),
      this.#chance.below(2 ** 31),
    );
    this.#sources.set(local, sha256);
    return local;
  }

  /** For an upload that is cut off, in a chunk that is whole or in one that is not. */
  #makeLarge(): string {
    const minBytes = this.#chance.pick([CUT_BYTES_MIN, 2 * CHUNK_BYTES]);
    return this.#makeSource(minBytes, minBytes + 900 * KIB);
  }

  /**
   * The same file with another end behind its first chunk. All of the end is other, because
   * what was written is told by its beginnings.
   */
  #makeChanged(source: string): string {
    const local = this.#makeSource(CUT_BYTES_MIN, CUT_BYTES_MIN + 900 * KIB);
    const bytes = readFileSync(local);
    readFileSync(source).copy(bytes, 0, 0, CHUNK_BYTES);
    writeFileSync(local, bytes);
    this.#sources.set(local, sha256Hex(bytes));
    return local;
  }

  #trace(words: readonly string[], stdin?: string): Traced {
    const log = this.#scene.path(`trace.${this.#programs.length}`);
    const program = new Traced(this.#scene, log, words, stdin);
    this.#programs.push(program);
    return program;
  }

  #leave(): { readonly program: Traced; readonly server: Server } {
    const serving = this.#serving;
    if (serving === undefined) throw new Error("no server");
    this.#person?.close();
    this.#serving = undefined;
    return serving;
  }
}

function positionOf({ marks }: History, { program, atMs, event }: Heard): number {
  const own = marks.filter((mark) => mark.program === program);
  const isIt = (mark: Mark) => {
    if (event !== undefined) return mark.said?.includes(event) === true;
    return atMs === undefined || (mark.said === undefined && mark.atMs <= atMs + CLOCKS_MS);
  };
  const found = event === undefined ? own.findLast(isIt) : own.find(isIt);
  if (found === undefined) throw new Error(`nobody was told: ${event ?? "the end"}`);
  return found.position;
}
