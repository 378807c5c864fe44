/**
 * One client of soak.ts: it draws what to do, does it below a directory of its own, and compares
 * all that it is told with what it knows, since nobody else writes there.
 *
 * It works until it is asked to rest, which is what INV needs. How things are done is
 * soak-hands.ts.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Chance } from "../support/chance.ts";
import { sha256Of } from "../e2e/binary.ts";
import type { Hands } from "./soak-hands.ts";
import { sha256Hex } from "./invariant.ts";
import type { Told } from "./invariant.ts";

/** More are removed, so that a home stays as large as it is. */
const FILES_MAX = 30;
const DIRS_MAX = 4;

const KIB = 1024;

/** Contents are pieces of this, each with a number in front. */
const POOL_BYTES = 10 * 1024 * KIB;

/** What the server must be given, to be cut while content moves. */
const CUT_BYTES_MIN = 1024 * KIB;

interface Content {
  readonly bytes: number;
  readonly sha256: string;
}

/** What all clients use. */
export interface SoakGround {
  /** The bytes that contents are made of. */
  readonly pool: Uint8Array;
  /** Resolves when clients may work. */
  open(): Promise<void>;
  isOver(): boolean;
  /** `ftpx sync` of a directory here to one there. */
  sync(user: string, local: string, path: string): Promise<void>;
  /** Somebody asks for an account, and the operator answers. */
  register(): Promise<void>;
  fail(what: string): void;
  /** Counts one operation by its name. */
  done(operation: string): void;
}

interface Operation {
  readonly name: string;
  /** How often it is drawn, among those of all. */
  readonly weight: number;
  readonly isOfFile?: true;
  readonly work: () => Promise<void>;
}

export class SoakClient {
  readonly user: string;
  readonly #ground: SoakGround;
  readonly #hands: Hands;
  readonly #chance: Chance;
  readonly #folder: string;
  readonly #root: string;
  readonly #files = new Map<string, Content>();
  readonly #dirs = new Set<string>();
  /** Settles when the operation that runs has ended. */
  work: Promise<void> = Promise.resolve();
  #lastNumber = 0;
  readonly #operations: readonly Operation[] = [
    { name: "put", weight: 24, work: () => this.#put() },
    { name: "get", weight: 22, isOfFile: true, work: () => this.#get() },
    { name: "ls", weight: 12, work: () => this.#list() },
    { name: "stat", weight: 9, isOfFile: true, work: () => this.#stat() },
    { name: "digest", weight: 6, isOfFile: true, work: () => this.#digest() },
    { name: "mv", weight: 6, isOfFile: true, work: () => this.#move() },
    { name: "cp", weight: 5, isOfFile: true, work: () => this.#copy() },
    { name: "rm", weight: 7, isOfFile: true, work: () => this.#remove() },
    { name: "mkdir", weight: 3, work: () => this.#changeDirs() },
    { name: "sync", weight: 2, work: () => this.#sync() },
    { name: "sign-in", weight: 2, work: () => this.#hands.again() },
    { name: "cut", weight: 2, work: () => this.#putCut() },
    { name: "register", weight: 1, work: () => this.#ground.register() },
  ];

  constructor(
    ground: SoakGround,
    hands: Hands,
    about: {
      readonly user: string;
      readonly root: string;
      readonly folder: string;
      readonly chance: Chance;
    },
  ) {
    this.#ground = ground;
    this.#hands = hands;
    this.user = about.user;
    this.#root = about.root;
    this.#folder = about.folder;
    this.#chance = about.chance;
  }

  get hands(): Hands {
    return this.#hands;
  }

  /** What it was told is stored. */
  get told(): Told[] {
    const { user } = this;
    return [...this.#files].map(([path, { sha256 }]) => ({ user, path, sha256 }));
  }

  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await this.#hands.makeDir(this.#root);
    this.#dirs.add(this.#root);
  }

  /** @param pauseMsMax between two operations, drawn up to it */
  async run(pauseMsMax: number): Promise<void> {
    for (;;) {
      await this.#ground.open();
      if (this.#ground.isOver()) return;
      this.work = this.#next();
      await this.work;
      await Bun.sleep(this.#chance.below(pauseMsMax + 1));
    }
  }

  async #next(): Promise<void> {
    const { name, work } = this.#draw();
    try {
      await work();
      this.#ground.done(name);
    } catch (error) {
      this.#ground.fail(`${this.#root}: ${name}: ${String(error)}`);
      // What it knows is not true any more; the failure stands.
      await Bun.sleep(1000);
    }
  }

  #draw(): Operation {
    const files = this.#files.size;
    const put = { name: "put", weight: 0, work: () => this.#put() };
    const sum = this.#operations.reduce((weight, operation) => weight + operation.weight, 0);
    let drawn = this.#chance.below(sum);
    for (const operation of this.#operations) {
      drawn -= operation.weight;
      if (drawn >= 0) continue;
      if (operation.isOfFile === true && files === 0) return put;
      if (operation.name === "put" && files >= FILES_MAX) break;
      return operation;
    }
    return { name: "rm", weight: 0, work: () => this.#remove() };
  }

  #anyFile(): string {
    const paths = [...this.#files.keys()];
    return paths[this.#chance.below(paths.length)] ?? "";
  }

  #anyDir(): string {
    const paths = [...this.#dirs];
    return paths[this.#chance.below(paths.length)] ?? this.#root;
  }

  #newPath(kind: string): string {
    this.#lastNumber += 1;
    return `${this.#anyDir()}/${kind}${this.#lastNumber}`;
  }

  #local(name: string): string {
    return join(this.#folder, name);
  }

  async #make(local: string, bytes: number): Promise<Content> {
    this.#lastNumber += 1;
    const front = new TextEncoder().encode(`${this.#root} ${this.#lastNumber} `);
    const content = new Uint8Array(bytes);
    const from = this.#chance.below(this.#ground.pool.byteLength - bytes + 1);
    content.set(this.#ground.pool.subarray(from, from + bytes));
    content.set(front.subarray(0, Math.min(front.byteLength, bytes)));
    await writeFile(local, content);
    return { bytes, sha256: sha256Hex(content) };
  }

  /** Many small files, some of a megabyte, a few of more than a chunk. */
  #drawSize(): number {
    const share = this.#chance.below(100);
    if (share < 65) return this.#chance.below(64 * KIB);
    if (share < 96) return this.#chance.below(1024 * KIB);
    return this.#chance.below(POOL_BYTES);
  }

  async #put(): Promise<void> {
    const isOver = this.#files.size > 0 && this.#chance.percent(25);
    const path = isOver ? this.#anyFile() : this.#newPath("f");
    const local = this.#local("put");
    const content = await this.#make(local, this.#drawSize());
    await this.#hands.put(local, path);
    this.#files.set(path, content);
  }

  async #putCut(): Promise<void> {
    const path = this.#newPath("f");
    const local = this.#local("put");
    const bytes = CUT_BYTES_MIN + this.#chance.below(POOL_BYTES - CUT_BYTES_MIN);
    const content = await this.#make(local, bytes);
    if (this.#hands.putCut === undefined) await this.#hands.put(local, path);
    else await this.#hands.putCut(local, path, this.#chance.below(100) / 100);
    this.#files.set(path, content);
  }

  async #get(): Promise<void> {
    const path = this.#anyFile();
    const local = this.#local("got");
    await this.#hands.get(path, local);
    const found = await sha256Of(local);
    const { sha256 } = this.#known(path);
    if (found !== sha256) throw new Error(`digest: got ${found} of ${path} and not ${sha256}`);
    await rm(local);
  }

  #known(path: string): Content {
    const content = this.#files.get(path);
    if (content === undefined) throw new Error(`${path} is not known here`);
    return content;
  }

  async #list(): Promise<void> {
    const dir = this.#anyDir();
    const found = await this.#hands.list(dir);
    const all = [...this.#files.keys(), ...this.#dirs].filter((path) => parentOf(path) === dir);
    const expected = all.map((path) => path.slice(dir.length + 1)).toSorted();
    if (found.join() !== expected.join())
      throw new Error(`${dir} lists ${found.join()}, not ${expected.join()}`);
  }

  async #stat(): Promise<void> {
    const path = this.#anyFile();
    const [found, { bytes }] = [await this.#hands.size(path), this.#known(path)];
    if (found !== bytes) throw new Error(`${path} has ${found} bytes, not ${bytes}`);
  }

  async #digest(): Promise<void> {
    const path = this.#anyFile();
    const [found, { sha256 }] = [await this.#hands.digest(path), this.#known(path)];
    if (found !== sha256) throw new Error(`digest: ${path} is ${found} and not ${sha256}`);
  }

  async #move(): Promise<void> {
    const [from, to] = [this.#anyFile(), this.#newPath("m")];
    await this.#hands.move(from, to);
    this.#files.set(to, this.#known(from));
    this.#files.delete(from);
  }

  async #copy(): Promise<void> {
    const [from, to] = [this.#anyFile(), this.#newPath("c")];
    await this.#hands.copy(from, to);
    this.#files.set(to, this.#known(from));
  }

  async #remove(): Promise<void> {
    const path = this.#anyFile();
    await this.#hands.remove(path);
    this.#files.delete(path);
  }

  /** A directory more, or one less with all it holds. */
  async #changeDirs(): Promise<void> {
    if (this.#dirs.size < DIRS_MAX) {
      const path = this.#newPath("d");
      await this.#hands.makeDir(path);
      this.#dirs.add(path);
      return;
    }
    const inner = [...this.#dirs].filter((path) => path !== this.#root);
    const path = inner[this.#chance.below(inner.length)] ?? "";
    await this.#hands.remove(path);
    this.#forgetBelow(path);
    this.#dirs.delete(path);
  }

  #forgetBelow(path: string): void {
    for (const known of [...this.#files.keys(), ...this.#dirs]) {
      if (!known.startsWith(`${path}/`)) continue;
      this.#files.delete(known);
      this.#dirs.delete(known);
    }
  }

  async #sync(): Promise<void> {
    const path = `${this.#root}/s${this.#chance.below(2)}`;
    const local = this.#local(path.slice(-2));
    await rm(local, { recursive: true, force: true });
    await mkdir(local);
    const made = new Map<string, Content>();
    for (let index = this.#chance.between(1, 6); index > 0; index -= 1) {
      const name = `n${this.#chance.below(9)}`;
      made.set(name, await this.#make(join(local, name), this.#chance.below(40 * KIB)));
    }
    await this.#ground.sync(this.user, local, path);
    this.#dirs.add(path);
    this.#forgetBelow(path);
    for (const [name, content] of made) this.#files.set(`${path}/${name}`, content);
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

export function soakPool(chance: Chance): Uint8Array {
  return chance.bytes(POOL_BYTES);
}
