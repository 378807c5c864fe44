/**
 * V15, V14: hours of what eight clients do together, and whether anything grows meanwhile.
 *
 *   bun test/campaign/soak.ts [--seed N] [--minutes M] [--every M] [--svg FILE] [--pause MS]
 *     [--slope MIB-PER-HOUR]
 *
 * Five clients are the library in this process, three the compiled executable. Each second
 * memory, descriptors, event loop and operations are measured (soak-watch.ts); every `--every`
 * minutes all of them rest and INV is looked at. No speed is judged; what memory gains is
 * judged with `--slope`, by what it comes down to every few minutes: a run of less than an hour
 * cannot tell.
 */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { linesOf } from "../e2e/binary.ts";
import type { Scene, Server } from "../e2e/binary.ts";
import { fitLine } from "../support/slope.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { plantCanary, violations } from "./invariant.ts";
import { atExit, beginScene, serveIn } from "./rounds-ending.ts";
import {
  demandDescriptors,
  forkChance,
  Guest,
  idleDescriptors,
  PASSWORD,
  runClient,
  storedOf,
} from "./rounds-peers.ts";
import { SoakClient, soakPool } from "./soak-client.ts";
import type { SoakGround } from "./soak-client.ts";
import { BinaryHands, LibraryHands } from "./soak-hands.ts";
import { pictureOf, summaryOf } from "./soak-picture.ts";
import type { Second } from "./soak-picture.ts";
import { Reception } from "./soak-reception.ts";
import { vitalsOf, WATCHER } from "./soak-watch.ts";
import type { Sample } from "./soak-watch.ts";

export const COVERS = [
  ["put", "concurrent sessions"],
  ["get", "concurrent sessions"],
  ["rm -r", "concurrent sessions"],
  ["mkdir", "concurrent sessions"],
  ["mv", "concurrent sessions"],
  ["cp", "concurrent sessions"],
  ["ls", "concurrent sessions"],
  ["sign-in", "concurrent sessions"],
  ["resume", "cut line"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

const USERS = ["ann", "bob", "cem", "dee"] as const;
const LIBRARY_CLIENTS = 5;
const BINARY_CLIENTS = 3;
const CLIENTS = LIBRARY_CLIENTS + BINARY_CLIENTS;

/** Four homes of two clients with thirty files each, some of ten megabytes. */
const QUOTA = "2 GiB";

const DEFAULTS = { minutes: 0.3, every: 10, pause: 30, slope: 0 };

/** Errors of the slope within which it may be over what is allowed. */
const SLOPE_ERRORS = 3;

if (import.meta.main) await runCampaign("soak", DEFAULTS, soak, ["svg"]);

async function soak(campaign: Campaign): Promise<Record<string, unknown>> {
  const scene = await beginScene();
  try {
    const run = await Soak.begin(scene, campaign);
    return await run.run();
  } finally {
    await scene.end();
  }
}

class Soak implements SoakGround {
  readonly pool: Uint8Array;
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #campaign: Campaign;
  readonly #reception: Reception;
  readonly #clients: SoakClient[] = [];
  readonly #keyFile: string;
  readonly #seconds: Second[] = [];
  /** When INV was looked at, in seconds. */
  readonly #rests: number[] = [];
  readonly #counts: Record<string, number> = {};
  #gate = Promise.withResolvers<void>();
  #isOver = false;
  #beganMs = 0;
  #operationCount = 0;
  #countedBefore = 0;

  private constructor(scene: Scene, server: Server, campaign: Campaign, keyFile: string) {
    this.#scene = scene;
    this.#server = server;
    this.#campaign = campaign;
    this.#keyFile = keyFile;
    this.#reception = new Reception(scene, server, forkChance(campaign.chance));
    this.pool = soakPool(campaign.chance);
  }

  static async begin(scene: Scene, campaign: Campaign): Promise<Soak> {
    const keyFile = scene.path("key");
    const made = await scene.run(["keygen", keyFile, "--no-passphrase"]);
    if (made.status !== 0) throw new Error(made.stderr);
    for (const user of [...USERS, "quin", WATCHER]) {
      await scene.addUser(user, PASSWORD, "--quota", QUOTA, "--add-key", `${keyFile}.pub`);
    }
    const server = await serveIn(scene, "--metrics", "127.0.0.1:0");
    return new Soak(scene, server, campaign, keyFile);
  }

  async run(): Promise<Record<string, unknown>> {
    const campaign = this.#campaign;
    const isUntouched = await plantCanary(this.#scene);
    // Homes are closed again when nobody is signed in, so one stands for all of them.
    const baseline = await idleDescriptors(this.#scene, this.#server, "quin");
    const { port: metricsPort } = await this.#server.event("listening-metrics");
    await this.#makeClients();
    this.#beganMs = Date.now();
    const watching = this.#watch(Number(metricsPort));
    const working = this.#clients.map((client) => client.run(campaign.number("pause")));
    await this.#work(baseline, Number(metricsPort));
    this.#isOver = true;
    this.#gate.resolve();
    await Promise.all(working);
    for (const { hands } of this.#clients) hands.close();
    watching.stop();
    await watching.ended;
    await this.#demandNothingLeft(baseline, Number(metricsPort));
    if (!(await isUntouched())) campaign.fail("something changed beside the data directory");
    if ((await this.#server.stop()) !== 0) campaign.fail("the server did not end with status 0");
    return await this.#report();
  }

  async #makeClients(): Promise<void> {
    const scene = this.#scene;
    const guests = USERS.map((user) => new Guest(user));
    for (let index = 0; index < CLIENTS; index += 1) {
      const guest = guests[index % guests.length];
      if (guest === undefined) throw new Error("no account");
      const { user } = guest;
      const isLibrary = index < LIBRARY_CLIENTS;
      // Every other one of the processes signs in by key.
      const options = index % 2 === 0 ? ["--key", this.#keyFile] : [];
      const hands = isLibrary
        ? new LibraryHands(guest, this.#server, scene.line(this.#server.port))
        : new BinaryHands(scene, this.#server, user, options);
      const chance = forkChance(this.#campaign.chance);
      const about = { user, root: `/c${index}`, folder: scene.path(`c${index}`), chance };
      const client = new SoakClient(this, hands, about);
      await client.prepare();
      this.#clients.push(client);
    }
  }

  /** Works for so many minutes, and rests now and then. */
  async #work(baseline: number, metricsPort: number): Promise<void> {
    const everyMs = this.#campaign.number("every") * 60_000;
    const endMs = Date.now() + this.#campaign.number("minutes") * 60_000;
    while (Date.now() < endMs) {
      this.#gate.resolve();
      const restMs = Math.min(endMs, Date.now() + everyMs);
      await Promise.race([Bun.sleep(restMs - Date.now()), this.#server.process.exited]);
      this.#gate = Promise.withResolvers();
      await Promise.all(this.#clients.map(({ work }) => work));
      await this.#demandInvariant(baseline, metricsPort);
      if (this.#server.process.exitCode !== null) throw new Error("the server has ended");
    }
  }

  open(): Promise<void> {
    return this.#gate.promise;
  }

  isOver(): boolean {
    return this.#isOver;
  }

  fail(what: string): void {
    this.#campaign.fail(what);
  }

  done(operation: string): void {
    this.#operationCount += 1;
    this.#counts[operation] = (this.#counts[operation] ?? 0) + 1;
  }

  async sync(user: string, local: string, path: string): Promise<void> {
    const words = ["sync", local, this.#server.target(user, path), "--delete", "--checksum"];
    const { status, stderr } = await runClient(this.#scene, words);
    if (status !== 0) throw new Error(`sync ${path}: status ${status}: ${stderr}`);
  }

  async register(): Promise<void> {
    await this.#reception.serveOne();
  }

  /** Nobody does anything at this moment. */
  async #demandInvariant(baseline: number, metricsPort: number): Promise<void> {
    const campaign = this.#campaign;
    this.#rests.push((Date.now() - this.#beganMs) / 1000);
    const told = this.#clients.flatMap((client) => client.told);
    for (const finding of await violations(this.#scene, told)) campaign.fail(finding);
    for (const user of USERS) {
      const known = told.filter((file) => file.user === user).length;
      const stored = storedOf(this.#scene, user).filter(({ path }) => !path.includes("/.ftpx/"));
      if (stored.length !== known) {
        campaign.fail(`${user} has ${stored.length} files and was told of ${known}`);
      }
    }
    const openCount = this.#clients.reduce((sum, { hands }) => sum + hands.openCount, 1);
    await this.#demandCounts(metricsPort, openCount);
    // Whoever is signed in has a home that is held open; the watcher's scrape is there for a moment.
    const most = baseline + openCount + USERS.length + 2;
    await demandDescriptors(campaign, this.#server, most);
  }

  /** What the server says it has: a session that nobody holds any more is a leak. */
  async #demandCounts(metricsPort: number, openCount: number): Promise<void> {
    let [sessions, transfers] = [-1, -1];
    const settled = async (): Promise<void> => {
      const deadlineMs = performance.now() + 10_000;
      do {
        ({ sessions, transfers } = await vitalsOf(metricsPort));
        if (sessions <= openCount && transfers === 0) return;
        await Bun.sleep(100);
      } while (performance.now() < deadlineMs);
      this.#campaign.fail(
        `${sessions} sessions and ${transfers} transfers while ${openCount} and 0 are open`,
      );
    };
    await settled();
  }

  async #demandNothingLeft(baseline: number, metricsPort: number): Promise<void> {
    await this.#demandCounts(metricsPort, 0);
    await demandDescriptors(this.#campaign, this.#server, baseline);
    const parts = await readdir(join(this.#scene.data, "storage/.ftpx/parts"));
    if (parts.length > 0) this.#campaign.fail(`parts are left: ${parts.join()}`);
  }

  #watch(metricsPort: number): { stop(): void; ended: Promise<void> } {
    const { port, fingerprint, process: server } = this.#server;
    const words = [port, fingerprint, server.pid, metricsPort].map(String);
    const script = join(import.meta.dir, "soak-watch.ts");
    const child = Bun.spawn([process.execPath, script, ...words], {
      env: { ...process.env, FTPX_PASSWORD: PASSWORD },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    atExit(() => child.kill("SIGKILL"));
    return { stop: () => void child.stdin.end(), ended: this.#follow(child) };
  }

  async #follow(child: Subprocess<"pipe", "pipe", "inherit">): Promise<void> {
    for await (const line of linesOf(child.stdout)) {
      const { atMs, ...sample } = JSON.parse(line) as Sample;
      const operations = this.#operationCount - this.#countedBefore;
      this.#countedBefore = this.#operationCount;
      const second = { ...sample, atSeconds: (atMs - this.#beganMs) / 1000, operations };
      this.#seconds.push(second);
      if (this.#seconds.length % 60 === 0) {
        this.#campaign.progress(`${JSON.stringify(second)}, ${this.#operationCount} operations`);
      }
    }
    if ((await child.exited) !== 0) this.#campaign.fail("the watcher has failed");
  }

  async #report(): Promise<Record<string, unknown>> {
    const summary = summaryOf(this.#seconds);
    const most = this.#campaign.number("slope");
    const { slope, error } = fitLine(summary.floor);
    if (most > 0 && !(slope - SLOPE_ERRORS * error < most)) {
      this.#campaign.fail(`memory grows by ${slope} MiB an hour (error ${error})`);
    }
    const svg = this.#campaign.text("svg");
    if (svg !== undefined) await writeFile(svg, pictureOf(this.#seconds, this.#rests));
    return {
      operations: this.#operationCount,
      ...this.#counts,
      ...this.#reception.counts,
      rests: this.#rests.length,
      ...summary.figures,
    };
  }
}
