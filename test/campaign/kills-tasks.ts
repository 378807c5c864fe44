/**
 * What a client of kills.ts does next: one command that is right for what its directory
 * holds, with the steps that it makes there.
 *
 * A task stays the same when its command is run again, because it was killed or heard
 * nothing; words that are done already are left out then.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Chance } from "../support/chance.ts";
import { sha256Hex } from "./invariant.ts";
import type { Ground, Source } from "./kills-ground.ts";
import { ABSENT, DIRECTORY } from "./kills-model.ts";
import type { HomeModel, Step, Tree, Writing } from "./kills-model.ts";

const FILES = ["f0", "f1", "f2", "f3"];
const DIRECTORIES = ["d0", "d1", "d2"];
const FILES_BELOW = ["f0", "f1", "f2"];
const BATCH_FILES_MAX = 8;
const BATCH_FILE_BYTES_MAX = 40_000;
const RATES = ["6M", "12M", "30M"] as const;

/** One file of a put: it is acknowledged by itself. */
export interface Sending {
  readonly source: Source;
  readonly path: string;
  readonly step: Step | undefined;
  /** At the path that is shared. */
  readonly writing: Writing | undefined;
}

export interface Task {
  readonly verb: "put" | "get" | "mkdir" | "rm" | "rmdir" | "mv" | "cp";
  readonly options: readonly string[];
  /** Paths on the server; of a put the destination. */
  readonly paths: readonly string[];
  readonly sendings: readonly Sending[];
  /** Paths of sendings that are acknowledged. */
  readonly done: Set<string>;
  /** Steps that are acknowledged by the exit status. */
  readonly steps: readonly Step[];
  /** Exit status of a second run when the first one did it and was not heard. */
  readonly repeatedStatus: number | undefined;
  runCount: number;
  /** An earlier run may have done it without being heard. */
  isDoubtful: boolean;
  /** How often it was interrupted while its connection was open. */
  cutCount: number;
  /** Bytes towards the server, of all runs, where they are counted. */
  sentBytes: number;
}

export const NO_SUCH_PATH_STATUS = 66;

/** Of quota, and of a name that exists. */
export const DOES_NOT_FIT_STATUS = 73;

function taskOf(verb: Task["verb"], paths: readonly string[], rest: Partial<Task> = {}): Task {
  return {
    verb,
    options: [],
    paths,
    sendings: [],
    done: new Set(),
    steps: [],
    repeatedStatus: undefined,
    runCount: 0,
    isDoubtful: false,
    cutCount: 0,
    sentBytes: 0,
    ...rest,
  };
}

/** Draws tasks for one client. */
export class Planner {
  readonly #ground: Ground;
  readonly #home: HomeModel;
  readonly #tree: Tree;
  readonly #chance: Chance;
  readonly #folder: string;
  /** Puts and copies that were begun and not acknowledged: each may have left a part. */
  readonly unfinished = new Map<string, Source>();
  /** Gets that were cut. */
  readonly halfGot = new Set<string>();
  #batchCount = 0;

  /** @param folder on this machine, for files of this client's own */
  constructor(ground: Ground, home: HomeModel, tree: Tree, chance: Chance, folder: string) {
    this.#ground = ground;
    this.#home = home;
    this.#tree = tree;
    this.#chance = chance;
    this.#folder = folder;
  }

  /** Its steps are open from now on. */
  next(): Task {
    for (;;) {
      const task = this.#draw();
      if (task !== undefined) return task;
    }
  }

  put(path: string, source: Source, options: readonly string[] = []): Task {
    const step = [{ path, content: source.content }];
    const sending = { source, path, step, writing: undefined };
    return this.#begin(taskOf("put", [path], { options, sendings: [sending] }));
  }

  putShared(source: Source, options: readonly string[] = []): Task {
    const { path } = this.#home.register;
    const writing = this.#home.register.begin(source.content);
    const sending = { source, path, step: undefined, writing };
    return this.#begin(taskOf("put", [path], { options, sendings: [sending] }));
  }

  /** Where this client works. */
  get root(): string {
    return this.#tree.root;
  }

  get(path: string, options: readonly string[]): Task {
    return taskOf("get", [path], { options });
  }

  makeDir(path: string): Task {
    const steps = [[{ path, content: DIRECTORY }]];
    return this.#begin(taskOf("mkdir", [path], { steps, repeatedStatus: DOES_NOT_FIT_STATUS }));
  }

  #draw(): Task | undefined {
    const draw = this.#chance.below(100);
    if (draw < 35) return this.#drawPut();
    if (draw < 46) return this.#drawBatch();
    if (draw < 57) return this.#drawGet();
    if (draw < 63) return this.#drawRemove();
    if (draw < 70) return this.#drawMove();
    if (draw < 73) return this.#drawMoveDir();
    if (draw < 77) return this.#drawCopy();
    if (draw < 86) return this.#drawMakeDir();
    if (draw < 93) return this.#drawRemoveTree();
    if (draw < 95) return this.#drawRemoveDir();
    if (draw < 99) return this.putShared(this.#ground.pick(this.#chance));
    return this.get(this.#home.register.path, []);
  }

  /** Often where an upload or a download was left, so that it meets another version. */
  #drawPut(): Task | undefined {
    const slots = this.#slots();
    const halves = slots.filter((path) => this.unfinished.has(path) || this.halfGot.has(path));
    const path = this.#pick(this.#chance.percent(50) && halves.length > 0 ? halves : slots);
    const source = this.#ground.pick(this.#chance);
    const isSlow = this.#chance.percent(50);
    const options = isSlow ? ["--limit", this.#chance.pick(RATES)] : [];
    return path === undefined ? undefined : this.put(path, source, options);
  }

  /** Many small files into one directory. */
  #drawBatch(): Task | undefined {
    const directory = this.#pick(this.#directories());
    if (directory === undefined) return undefined;
    const names = Array.from({ length: this.#chance.between(2, BATCH_FILES_MAX) }, (_, index) => {
      return `b${index}`;
    }).filter((name) => this.#tree.isFree(`${directory}/${name}`));
    if (names.length < 2) return undefined;
    const folder = join(this.#folder, `batch${this.#batchCount}`);
    this.#batchCount += 1;
    mkdirSync(folder);
    const sendings = names.map((name) => {
      const source = this.#makeSource(join(folder, name));
      const path = `${directory}/${name}`;
      return { source, path, step: [{ path, content: source.content }], writing: undefined };
    });
    return this.#begin(taskOf("put", [`${directory}/`], { sendings }));
  }

  /** Often what is large, or was left in the middle. */
  #drawGet(): Task | undefined {
    const files = this.#files();
    const halves = files.filter((path) => this.halfGot.has(path));
    const large = files.filter((path) => this.#ground.isLarge(this.#tree.contentOf(path)));
    const [preferred = files] = [halves, large].filter((paths) => paths.length > 0);
    const path = this.#pick(this.#chance.percent(60) ? preferred : files);
    const options = this.#chance.percent(40) ? ["--limit", this.#chance.pick(RATES)] : [];
    return path === undefined ? undefined : this.get(path, options);
  }

  #drawRemove(): Task | undefined {
    const path = this.#pick(this.#files());
    if (path === undefined) return undefined;
    const steps = [[{ path, content: ABSENT }]];
    return this.#begin(taskOf("rm", [path], { steps, repeatedStatus: NO_SUCH_PATH_STATUS }));
  }

  #drawMove(): Task | undefined {
    const from = this.#pick(this.#files());
    const to = this.#pick(this.#slots().filter((path) => path !== from));
    if (from === undefined || to === undefined) return undefined;
    return this.#move(from, to, [{ path: from, to }]);
  }

  #drawMoveDir(): Task | undefined {
    const from = this.#pick(this.#directories());
    const to = this.#pick(this.#missingDirectories());
    if (from === undefined || to === undefined) return undefined;
    const below = this.#tree.below(from);
    const moved = below.map((path) => ({ path, to: to + path.slice(from.length) }));
    return this.#move(from, to, [{ path: from, to }, ...moved]);
  }

  #drawCopy(): Task | undefined {
    const from = this.#pick(this.#files());
    const to = this.#pick(this.#slots().filter((path) => path !== from));
    if (from === undefined || to === undefined) return undefined;
    this.#home.versions.move(from, to);
    const content = this.#tree.contentOf(from);
    // The source is part of it, so that it stays until this is over.
    const steps = [[from, to].map((path) => ({ path, content }))];
    return this.#begin(taskOf("cp", [from, to], { steps }));
  }

  #move(from: string, to: string, moved: readonly { path: string; to: string }[]): Task {
    const step = moved.flatMap(({ path, to: there }) => [
      { path, content: ABSENT },
      { path: there, content: this.#tree.contentOf(path) },
    ]);
    for (const { path, to: there } of moved) this.#home.versions.move(path, there);
    const rest = { steps: [step], repeatedStatus: NO_SUCH_PATH_STATUS };
    return this.#begin(taskOf("mv", [from, to], rest));
  }

  #drawMakeDir(): Task | undefined {
    const path = this.#pick(this.#missingDirectories());
    return path === undefined ? undefined : this.makeDir(path);
  }

  /** Cut in the middle it leaves some of it. */
  #drawRemoveTree(): Task | undefined {
    const path = this.#pick(this.#directories());
    return path === undefined ? undefined : this.removeTree(path);
  }

  removeTree(path: string): Task {
    const steps = [...this.#tree.below(path), path].map((gone) => [
      { path: gone, content: ABSENT },
    ]);
    const rest = { options: ["-r"], steps, repeatedStatus: NO_SUCH_PATH_STATUS };
    return this.#begin(taskOf("rm", [path], rest));
  }

  #drawRemoveDir(): Task | undefined {
    const path = this.#pick(
      this.#directories().filter((one) => this.#tree.below(one).length === 0),
    );
    if (path === undefined) return undefined;
    const steps = [[{ path, content: ABSENT }]];
    return this.#begin(taskOf("rmdir", [path], { steps, repeatedStatus: NO_SUCH_PATH_STATUS }));
  }

  #begin(task: Task): Task {
    for (const { path, source, step } of task.sendings) {
      this.#home.versions.add(path, source.content);
      if (step !== undefined) this.#tree.begin([step]);
    }
    this.#tree.begin(task.steps);
    return task;
  }

  /** Where a file may be put: free paths in directories that are there. */
  #slots(): string[] {
    const { root } = this.#tree;
    const below = this.#directories().flatMap((one) => FILES_BELOW.map((name) => `${one}/${name}`));
    const all = [...FILES.map((name) => `${root}/${name}`), ...below];
    return all.filter((path) => this.#tree.isFree(path));
  }

  #files(): string[] {
    const free = this.#tree.paths.filter((path) => this.#tree.isFree(path));
    return free.filter((path) => this.#tree.contentOf(path) !== DIRECTORY);
  }

  #directories(): string[] {
    return this.#places().filter((path) => this.#tree.contentOf(path) === DIRECTORY);
  }

  #missingDirectories(): string[] {
    return this.#places().filter((path) => this.#tree.contentOf(path) === ABSENT);
  }

  #places(): string[] {
    const all = DIRECTORIES.map((name) => `${this.#tree.root}/${name}`);
    return all.filter((path) => this.#tree.isFree(path));
  }

  #pick(paths: readonly string[]): string | undefined {
    return paths[this.#chance.below(paths.length)];
  }

  #makeSource(local: string): Source {
    const bytes = this.#chance.bytes(this.#chance.below(BATCH_FILE_BYTES_MAX));
    writeFileSync(local, bytes);
    return { local, bytes: bytes.byteLength, content: sha256Hex(bytes) };
  }
}
