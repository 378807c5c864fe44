/**
 * The ground of one run: a data directory with one server on it at a time, first the one of
 * which a call goes wrong, after its end others that are left alone; and one client.
 *
 * The server that goes wrong may end before its time only by the kill, or while it starts or
 * stops and then with an error and its status; everything else is a problem.
 */
import type { Client } from "../../src/client/client.ts";
import { Server } from "../e2e/binary.ts";
import type { Scene } from "../e2e/binary.ts";
import { isKill, planOf } from "./calls-faults.ts";
import type { Site } from "./calls-faults.ts";
import type { Phase } from "./calls-scenarios.ts";
import { USER } from "./calls-script.ts";
import { KILLED_STATUS } from "./calls-tracer.ts";
import type { Call, Traced, Tracer } from "./calls-tracer.ts";
import { Guest, until } from "./rounds-peers.ts";

/** Whatever takes longer hangs. */
const WAIT_MS_MAX = 10_000;

/** After the last session everything of it is closed within this time. */
const CLOSED_MS_MAX = 5_000;

/** What a server has open while nobody is signed in, below the data directory. */
const OWN_PATHS = [
  "storage",
  "storage/.ftpx/parts",
  "storage/.ftpx/audit.log",
  "storage/.ftpx/state.sqlite",
  "storage/.ftpx/state.sqlite-wal",
];

export class Ground {
  readonly scene: Scene;
  readonly problems: string[] = [];
  /** Kinds of errors, and statuses, that somebody was told. */
  readonly refusals: string[] = [];
  readonly isKilling: boolean;
  readonly #tracer: Tracer;
  readonly #site: Site | undefined;
  readonly #guest = new Guest(USER);
  /** The server of which a call goes wrong, and the one that is started after it. */
  #traced: Traced | undefined;
  #untraced: Traced | undefined;
  #server: Server | undefined;
  #client: Client | undefined;
  /** Calls that had been made when the phase ended. */
  #startCount = 0;
  #workCount = Number.POSITIVE_INFINITY;

  constructor(scene: Scene, tracer: Tracer, site: Site | undefined) {
    this.scene = scene;
    this.#tracer = tracer;
    this.#site = site;
    this.isKilling = site !== undefined && isKill(site.fault);
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error("no server");
    return this.#server;
  }

  /** The client, while it is connected. */
  get client(): Client | undefined {
    return this.#client?.isOpen === true ? this.#client : undefined;
  }

  get calls(): (Call & { phase: Phase })[] {
    return (this.#traced?.calls ?? []).map((call, index) => ({
      ...call,
      phase: index < this.#startCount ? "start" : index < this.#workCount ? "work" : "stop",
    }));
  }

  get isHit(): boolean {
    return this.#traced?.hit !== undefined;
  }

  /** The server that runs is the one of which a call goes wrong. */
  get isTraced(): boolean {
    return this.#traced !== undefined && this.#server?.process === this.#traced.child;
  }

  /** By the kill, which the client may hear of before this process does. */
  get isServerDead(): boolean {
    return this.isKilling && this.isHit && this.isTraced;
  }

  complain(what: string): void {
    this.problems.push(what);
  }

  /** The traced start; when that fails, which it may, the next one. */
  async begin(): Promise<void> {
    const plan = this.#site === undefined ? undefined : planOf(this.#site);
    this.#traced = this.#tracer.start(this.scene, this.#words, plan);
    const { child } = this.#traced;
    const opened = Server.open(child).catch((error: unknown) => String(error));
    const server = await this.within(opened, "the start");
    if (typeof server === "string") {
      this.#judgeEnd(await child.exited, server, "the start");
      await this.#startAgain();
    } else {
      this.#server = server;
      await this.#counted(server);
    }
    this.#startCount = this.#traced.calls.length;
  }

  async signedIn(): Promise<Client> {
    if (this.#client?.isOpen !== true) this.#client = await this.#guest.signIn(this.server);
    return this.#client;
  }

  /** From now on calls succeed again that a full disk made fail one after the other. */
  lift(): void {
    this.#traced?.lift();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#startAgain();
  }

  async startAfterKill(): Promise<void> {
    const status = await this.within(this.server.process.exited, "the kill");
    if (status !== KILLED_STATUS) this.complain(`not killed, but ended with ${status}`);
    this.#leave();
    await this.#startAgain();
  }

  async stop(): Promise<void> {
    this.#leave();
    const { server, isTraced } = this;
    if (isTraced) this.#workCount = this.calls.length;
    const wasHit = this.isHit;
    const status = await this.within(server.stop(), "the stop");
    const stderr = await server.stderr;
    if (hasStack(stderr)) this.complain(`on stderr: ${stderr}`);
    if (status === 0) return;
    const isExcused = isTraced && (!wasHit || this.isKilling);
    if (isExcused) this.#judgeEnd(status, stderr, "the stop");
    else this.complain(`the stop: status ${status}: ${stderr}`);
  }

  /** With nobody signed in the server has nothing open but what is its own, once. */
  async demandClosed(): Promise<void> {
    this.#leave();
    if (!this.isTraced || this.isServerDead) return;
    const deadlineMs = performance.now() + CLOSED_MS_MAX;
    // The session ends some time after its connection.
    for (;;) {
      const leaked = this.#traced?.openPaths(this.scene.data).filter(isNotOwn) ?? [];
      if (leaked.length === 0) return;
      if (performance.now() > deadlineMs) return this.complain(`left open: ${leaked.join()}`);
      await Bun.sleep(20);
    }
  }

  async end(): Promise<void> {
    this.#guest.close();
    await this.#traced?.kill();
    await this.#untraced?.kill();
  }

  /** @throws Error when it takes too long */
  async within<Value>(work: Promise<Value>, what: string): Promise<Value> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`hangs: ${what}`)), WAIT_MS_MAX);
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  get #words(): string[] {
    return ["serve", "--json", "--listen", "127.0.0.1:0", "--data", this.scene.data];
  }

  async #startAgain(): Promise<void> {
    await this.#untraced?.kill();
    this.#untraced = this.#tracer.start(this.scene, this.#words);
    this.#server = await this.within(Server.open(this.#untraced.child), "the next start");
    await this.#counted(this.#server);
  }

  /** Until the homes are counted, or could not be, or the server was killed. */
  async #counted({ events, process }: Server): Promise<void> {
    const isCounted = () =>
      events.some(({ event, work }) => event === "recounted" || work === "recount");
    await until("the recount", () => isCounted() || process.exitCode !== null, WAIT_MS_MAX);
  }

  #judgeEnd(status: number, stderr: string, when: string): void {
    this.refusals.push(`status ${status}`);
    if (!this.isHit) this.complain(`${when}: ended with ${status} and nothing had gone wrong`);
    if (this.isKilling && status === KILLED_STATUS) return;
    if (!isTypedEnd(status, stderr)) this.complain(`${when}: status ${status}: ${stderr}`);
  }

  #leave(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

/** An error of ours with its status, and no defect. */
export function isTypedEnd(status: number, stderr: string): boolean {
  const isStatus = status > 0 && status < 128 && status !== 70;
  return isStatus && /(?:^|\n|: )ftpx: /.test(stderr) && !hasStack(stderr);
}

function hasStack(stderr: string): boolean {
  return /\n\s+at /.test(stderr);
}

function isNotOwn(path: string, index: number, paths: readonly string[]): boolean {
  return !OWN_PATHS.includes(path) || paths.indexOf(path) < index;
}
