/**
 * One client of kills.ts: commands one after the other, each a process of its own that may
 * be killed. What is acknowledged is entered in the model as it is read; what is not is
 * asked for again later, or left for good, and then either outcome is right.
 *
 * Every other client goes through a line of its own, which counts what is sent.
 */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Chance } from "../support/chance.ts";
import { linesOf, sha256Of } from "../e2e/binary.ts";
import type { CuttableLine } from "../e2e/line.ts";
import type { Child, Ground } from "./kills-ground.ts";
import { ABSENT, Tree } from "./kills-model.ts";
import type { Content, HomeModel, Seen, Step } from "./kills-model.ts";
import { DOES_NOT_FIT_STATUS, NO_SUCH_PATH_STATUS, Planner } from "./kills-tasks.ts";
import type { Task } from "./kills-tasks.ts";

/** Those that do not wait long: after them the command is repeated, which is worth trying too. */
const RETRIES = "2";

/** No command takes that long, unless it hangs. */
const COMMAND_MS_MAX = 120_000;

const LATER_MAX = 3;

/** A task that still has not ended well is stuck. */
const RUNS_MAX = 30;

/** Of the killed commands; the others are run again. */
const LEFT_PERCENT = 30;

const UNREACHABLE_STATUS = 69;
const TRY_AGAIN_STATUS = 75;

/** An event of a client. */
export interface Heard {
  readonly event: string;
  readonly path?: string;
  readonly bytes?: number;
  readonly resumedAt?: number;
}

type Hear = (heard: Heard) => void;

interface Outcome {
  readonly status: number;
  readonly stderr: string;
  readonly isKilled: boolean;
}

export class Worker {
  readonly home: HomeModel;
  readonly tree: Tree;
  readonly planner: Planner;
  /** The task that is running, or none. */
  work: Promise<void> = Promise.resolve();
  /** Bytes sent in puts that were cut, beyond the size of the file, and the number of cuts. */
  resentBytes = 0;
  cutCount = 0;
  readonly #ground: Ground;
  readonly #chance: Chance;
  readonly #line: CuttableLine | undefined;
  readonly #folder: string;
  readonly #later: Task[] = [];
  /** Tasks that are not run again, until it has been seen what they did. */
  #left: Task[] = [];
  /** Of those, the ones whose only run ended in a refusal. */
  readonly #refused = new Set<Task>();
  #child: Child | undefined;
  #task: Task | undefined;
  #isKilled = false;
  #isOver = false;

  constructor(ground: Ground, home: HomeModel, index: number, chance: Chance) {
    const { scene, server } = ground;
    this.home = home;
    this.tree = new Tree(`/w${index}`);
    home.trees.push(this.tree);
    this.#ground = ground;
    this.#chance = chance;
    this.#line = index % 2 === 0 ? scene.line(server.port) : undefined;
    this.#folder = scene.path(`w${index}`);
    this.planner = new Planner(ground, home, this.tree, chance, this.#folder);
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#folder);
    await this.demand(this.planner.makeDir(this.tree.root));
  }

  /** Works until `finish`. */
  async run(): Promise<void> {
    for (;;) {
      let open: Promise<void> | undefined;
      // Somebody may ask for quiet while this waits for the end of an earlier quiet.
      while (open !== this.#ground.open) {
        open = this.#ground.open;
        await open;
      }
      if (this.#isOver) return;
      this.work = this.#carry(this.#next());
      await this.work;
    }
  }

  /** Begins nothing new; what is due again is still done. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await this.work;
    for (let task = this.#later.shift(); task !== undefined; task = this.#later.shift()) {
      await this.#carry(task);
    }
  }

  /** SIGKILL for what runs at the moment. @returns whether there was something */
  kill(): boolean {
    if (this.#child === undefined) return false;
    this.noteCut();
    this.#isKilled = true;
    this.#child.kill("SIGKILL");
    return true;
  }

  /** The connection is about to be lost. */
  noteCut(): void {
    if (this.#task !== undefined && this.#line?.isOpen === true) this.#task.cutCount += 1;
  }

  /** Nothing is under way: what was left has happened or never will. */
  settle(seen: Seen): void {
    for (const task of this.#left) {
      const open = stepsOf(task).filter((step) => this.tree.isOpen(step));
      const hasHappened = open.map((step) => this.tree.settle(step, seen)).includes(true);
      if (!hasHappened || !this.#refused.has(task)) continue;
      this.#ground.campaign.fail(
        `${task.verb} ${task.paths.join(" ")} was refused, and yet it is stored`,
      );
    }
    this.#left = [];
    this.#refused.clear();
  }

  /** A task that nothing disturbs has to end well. */
  async demand(task: Task, hear?: Hear): Promise<void> {
    const { status, stderr } = await this.attempt(task, hear);
    if (status === 0) return;
    throw new Error(`${task.verb} ${task.paths.join(" ")}: status ${status}: ${stderr}`);
  }

  /** Runs the command of a task once; what it acknowledges is entered in the model. */
  async attempt(task: Task, hear?: Hear): Promise<Outcome> {
    this.#task = task;
    const fromTime = this.home.register.now();
    const sentBefore = this.#line?.toServerBytes ?? 0;
    this.#noteUnfinished(task);
    const outcome = await this.#spawn(task, hear);
    task.sentBytes += (this.#line?.toServerBytes ?? 0) - sentBefore;
    this.#task = undefined;
    const { status } = outcome;
    if (task.verb === "get") return await this.#compare(task, fromTime, outcome);
    // It was killed between its last word and its end.
    const isSaid = task.verb === "put" && task.sendings.every(({ path }) => task.done.has(path));
    const isRepeated = isSaid || (task.isDoubtful && status === task.repeatedStatus);
    if (status === 0 || isRepeated) await this.#acknowledge(task);
    // A server that was not reached has not done anything.
    else if (status !== UNREACHABLE_STATUS) task.isDoubtful = true;
    return isRepeated ? { ...outcome, status: 0 } : outcome;
  }

  #noteUnfinished({ verb, paths, sendings }: Task): void {
    for (const { path, source } of sendings) this.planner.unfinished.set(path, source);
    const [, copy] = paths;
    // Whatever is put there later takes the part of a copy away.
    if (verb === "cp" && copy !== undefined) this.planner.unfinished.set(copy, this.#ground.filler);
  }

  /** As `attempt`; what comes to nothing is run again later, or left. */
  async #carry(task: Task): Promise<void> {
    const { counts, campaign } = this.#ground;
    const { status, stderr, isKilled } = await this.attempt(task);
    if (status === 0) return;
    const mayGoOn = isKilled || status === UNREACHABLE_STATUS || status === TRY_AGAIN_STATUS;
    if (mayGoOn && task.runCount < RUNS_MAX) {
      counts.interrupted += 1;
      const isLeft = isKilled && this.#chance.percent(LEFT_PERCENT);
      // A get is drawn again, and then goes on with what is there.
      if (isLeft) this.leave(task);
      else if (task.verb !== "get") this.#later.push(task);
      await this.#ground.up;
      return;
    }
    this.leave(task);
    if (status === DOES_NOT_FIT_STATUS && this.#ground.isTight(this.home)) {
      counts.refused += 1;
      if (task.runCount === 1 && task.sendings.length < 2) this.#refused.add(task);
      return;
    }
    const words = this.#wordsOf(task).join(" ");
    campaign.fail(`status ${status}, run ${task.runCount}: ${words}: ${stderr}`);
  }

  #next(): Task {
    const isDue = this.#later.length > LATER_MAX || this.#chance.percent(40);
    const again = isDue ? this.#later.shift() : undefined;
    return again ?? this.planner.next();
  }

  async #spawn(task: Task, hear?: Hear): Promise<Outcome> {
    const child = await this.#ground.start(this.#wordsOf(task));
    task.runCount += 1;
    this.#child = child;
    this.#isKilled = false;
    const hanging = setTimeout(() => {
      this.#ground.campaign.fail(`${this.tree.root}: hangs: ${this.#wordsOf(task).join(" ")}`);
      child.kill("SIGKILL");
    }, COMMAND_MS_MAX);
    const stderr = new Response(child.stderr).text();
    for await (const line of linesOf(child.stdout)) {
      const heard = JSON.parse(line) as Heard;
      if (task.verb === "put" && heard.event === "done") this.#stored(task, heard);
      hear?.(heard);
    }
    const status = await child.exited;
    clearTimeout(hanging);
    this.#child = undefined;
    // It may have ended well before the signal came.
    return { status, stderr: await stderr, isKilled: this.#isKilled && status !== 0 };
  }

  #wordsOf({ verb, options, paths, sendings, done }: Task): string[] {
    const [first = "", ...rest] = paths;
    const target = this.#ground.server.target(this.home.user, first, this.#line?.port);
    const open = sendings.filter(({ path }) => !done.has(path));
    const locals = open.map(({ source }) => source.local);
    const destination = verb === "get" ? [this.#localOf(first)] : rest;
    return [verb, ...options, "--json", "--retries", RETRIES, ...locals, target, ...destination];
  }

  #localOf(path: string): string {
    return join(this.#folder, path.slice(1).replaceAll("/", "-"));
  }

  /** The client said that one file is stored. */
  #stored(task: Task, { path = "", bytes, resumedAt }: Heard): void {
    const sending = task.sendings.find((one) => one.path === path);
    if (sending === undefined || task.done.has(path)) {
      this.#ground.campaign.fail(`${path} is done, and nobody asked for it`);
      return;
    }
    task.done.add(path);
    // What is found there whole is not sent, and a part of something else stays.
    if (bytes === 0 || resumedAt !== bytes) this.planner.unfinished.delete(path);
    this.#ground.counts.acknowledged += 1;
    const { step, writing } = sending;
    if (step !== undefined) this.tree.happened(step);
    if (writing !== undefined) this.home.register.acknowledge(writing);
  }

  async #acknowledge(task: Task): Promise<void> {
    const { counts, campaign } = this.#ground;
    const silent = task.sendings.filter(({ path }) => !task.done.has(path));
    if (silent.length > 0) campaign.fail(`put ended well and said nothing of ${silent.length}`);
    if (task.sendings.length === 0) counts.acknowledged += 1;
    for (const step of task.steps) this.tree.happened(step);
    const [, copy] = task.paths;
    if (task.verb === "cp" && copy !== undefined) this.planner.unfinished.delete(copy);
    const [only, second] = task.sendings;
    if (only === undefined) return;
    if (second !== undefined) await this.#removeSources(task);
    else if (task.cutCount > 0) {
      this.cutCount += task.cutCount;
      this.resentBytes += Math.max(0, task.sentBytes - only.source.bytes);
    }
  }

  /** Of a batch that nobody needs any more. */
  async #removeSources({ sendings }: Task): Promise<void> {
    if (sendings.some(({ path }) => this.planner.unfinished.has(path))) return;
    const [first] = sendings;
    if (first !== undefined) await rm(dirname(first.source.local), { recursive: true });
  }

  /** It is not run again: what it did is seen when nothing is under way. */
  leave(task: Task): void {
    this.#left.push(task);
    for (const { writing } of task.sendings) if (writing !== undefined) writing.isLeft = true;
  }

  /** What a get brought is a version that was there meanwhile; or there was none. */
  async #compare(task: Task, fromTime: number, outcome: Outcome): Promise<Outcome> {
    const [path = ""] = task.paths;
    const local = this.#localOf(path);
    const { register } = this.home;
    const isShared = path === register.path;
    const allowed: ReadonlySet<Content> = isShared
      ? register.allowed(fromTime, register.now())
      : new Set([this.tree.contentOf(path)]);
    if (outcome.status === NO_SUCH_PATH_STATUS && allowed.has(ABSENT)) {
      return { ...outcome, status: 0 };
    }
    if (outcome.status !== 0) {
      this.planner.halfGot.add(path);
      return outcome;
    }
    this.planner.halfGot.delete(path);
    const found = await sha256Of(local);
    const { campaign, counts } = this.#ground;
    counts.gets += 1;
    if (!allowed.has(found)) {
      counts.partial += 1;
      campaign.fail(`get ${path}: ${found} instead of ${[...allowed].join(" or ")}`);
    }
    const part = join(dirname(local), `.${basename(local)}.ftpx-part`);
    if (existsSync(part)) campaign.fail(`get ${path} left ${part}`);
    await rm(local);
    return outcome;
  }
}

function stepsOf({ steps, sendings }: Task): Step[] {
  return [...steps, ...sendings.flatMap(({ step }) => (step === undefined ? [] : [step]))];
}
