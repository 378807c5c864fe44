/**
 * `ftpx serve`: options → store, state, accounts, registry, doors; signals; the end.
 */
import { Digests } from "../store/digests.ts";
import { openDiskStore } from "../store/disk.ts";
import type { AccountDirectory } from "../accounts/directory.ts";
import { FtpxError } from "../base/errors.ts";
import type { EventSink } from "../base/events.ts";
import {
  ACCOUNTS_POLL_MS,
  GRACE_MS_DEFAULT,
  PART_AGE_MS_DEFAULT,
  QUOTA_BYTES_DEFAULT,
  QUOTA_FILES_DEFAULT,
  WATCH_EVERY_MS,
} from "../base/limits.ts";
import { parseDuration, parseSize } from "../base/units.ts";
import { PORT_DEFAULT } from "../client/target.ts";
import { openMetricsDoor } from "../doors/metrics.ts";
import { openIdentity } from "../doors/identity.ts";
import { demandFree, openOperatorDoor, openPlainDoor, openTlsDoor } from "../doors/native.ts";
import type { OpenDoor } from "../doors/door.ts";
import { REGISTRATION_MODES } from "../sessions/admission.ts";
import { Registry } from "../sessions/registry.ts";
import type { RegistrySettings } from "../sessions/registry.ts";
import type { State } from "../state/contract.ts";
import { openState } from "../state/state.ts";
import { Depot } from "../vfs/depot.ts";
import { recover } from "../vfs/recovery.ts";
import { offerAccount } from "./admin.ts";
import { parseMode, tellingHow } from "./answers.ts";
import { DATA } from "./args.ts";
import { AccountsTold } from "./chronicle.ts";
import { confineServer, keepingPrivate } from "./confinement.ts";
import { demandCleanEnvironment } from "./environment.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { CAP_OPTIONS, capsOf } from "./caps.ts";
import { announce, parseListen, parseMetrics } from "./listening.ts";
import { placeOf } from "./place.ts";
import type { Place } from "./place.ts";
import { warnOfReaders } from "./ownership.ts";
import { Reporter } from "./reporter.ts";
import { stopSignal } from "./stopsignal.ts";
import { writeNote } from "./terminal.ts";
import { SOFTWARE } from "./version.ts";

const OPTIONS = {
  data: DATA,
  listen: {
    flags: "--listen <host:port>",
    about: `address (all, port ${PORT_DEFAULT}); port 0 takes a free one`,
  },
  plain: {
    flags: "--plain <host:port>",
    about: "also without TLS, on a loopback address: for tests and tunnels",
  },
  metrics: {
    flags: "--metrics <host:port>",
    about: "numbers for Prometheus at http://HOST:PORT/metrics, without sign-in",
  },
  quota: {
    flags: "--quota <size>",
    about: "quota of accounts that name none (10 GiB)",
    parse: parseSize,
  },
  ...CAP_OPTIONS,
  grace: {
    flags: "--grace <time>",
    about: "time for open transfers when told to stop (30s)",
    parse: parseDuration,
  },
  keepUnfinished: {
    flags: "--keep-unfinished <time>",
    about: "drop uploads that nobody went on with for so long (7d)",
    parse: parseDuration,
  },
  registration: {
    flags: "--registration <who>",
    about: `who may ask for an account: ${REGISTRATION_MODES.join(", ")} (open)`,
    parse: parseMode,
  },
  json: { flags: "--json", about: "events as JSON, one a line" },
} as const;

export const SERVE_SPEC = {
  name: "serve",
  about: "Runs the server",
  usage: "",
  words: [0, 0],
  options: OPTIONS,
  examples: ["ftpx serve", "ftpx serve --data /srv/ftpx --listen 0.0.0.0:9999 --quota '50 GiB'"],
} as const satisfies Spec<typeof OPTIONS>;

/** Runs until it is told to stop. @returns the exit status */
export async function serve(options: OptionsOf<typeof OPTIONS>): Promise<number> {
  // Before anything is told: whoever hears that the server listens may stop it at once.
  const stopping = stopSignal();
  demandCleanEnvironment();
  confineServer();
  return await keepingPrivate(() => serveUntil(stopping, options));
}

async function serveUntil(
  stopping: Promise<string>,
  options: OptionsOf<typeof OPTIONS>,
): Promise<number> {
  const place = placeOf(options.data);
  // Whoever mistyped an address, or has a server already, finds no new directory behind it.
  if (!(await place.isMade())) demandFree(parseListen(options.listen));
  await place.prepare();
  await place.removeLeftovers();
  if (process.getuid?.() === 0) {
    writeNote("ftpx: running as root; an ordinary user is enough and safer");
  }
  await warnOfReaders(place);
  const reporter = await Reporter.open(place.auditFile, options.json === true);
  // Where there is a terminal, a hang-up is its end, and stopSignal's.
  if (!process.stdout.isTTY) process.on("SIGHUP", () => reporter.reopen());
  // One bad moment of one session must not end all of them.
  process.on("unhandledRejection", (reason) => {
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    reporter.emit({ event: "defect", work: "unknown", reason: text });
  });
  const emit = options.json === true ? reporter.emit : tellingHow(reporter.emit, place);
  const server = await Server.open(place, options, emit, () => reporter.noted());
  await server.run(stopping);
  await reporter.close();
  return 0;
}

class Server {
  readonly #place: Place;
  readonly #registry: Registry;
  readonly #depot: Depot;
  readonly #directory: AccountDirectory;
  readonly #doors: readonly OpenDoor[];
  readonly #emit: EventSink;
  readonly #sweepMs: number;
  readonly #told: AccountsTold;

  private constructor(
    place: Place,
    parts: {
      registry: Registry;
      directory: AccountDirectory;
      doors: readonly OpenDoor[];
      told: AccountsTold;
    },
    emit: EventSink,
    partAgeMs: number,
  ) {
    this.#place = place;
    this.#registry = parts.registry;
    this.#depot = parts.registry.depot;
    this.#directory = parts.directory;
    this.#doors = parts.doors;
    this.#emit = emit;
    this.#sweepMs = Math.max(WATCH_EVERY_MS, Math.min(SWEEP_MS_MAX, partAgeMs / 4));
    this.#told = parts.told;
  }

  /** What was opened is closed again when a later step fails, or the process would go on. */
  static async open(
    place: Place,
    options: OptionsOf<typeof OPTIONS>,
    emit: EventSink,
    noted: () => Promise<void>,
  ): Promise<Server> {
    const address = parseListen(options.listen);
    const plainAddress = options.plain === undefined ? undefined : parseListen(options.plain);
    const metricsAddress = parseMetrics(options.metrics);
    const partAgeMs = options.keepUnfinished ?? PART_AGE_MS_DEFAULT;
    const directory = place.accounts();
    const state = await openState(place.stateFile);
    const undo: (() => unknown)[] = [() => state.close()];
    try {
      await directory.create();
      await directory.load();
      const told = await AccountsTold.open(place, directory.accounts, emit);
      const store = await openDiskStore(place.storage);
      const { wasClean, ...mended } = await recover(state, store);
      const depot = new Depot(state, store, new Digests(), {
        partAgeMs,
        recountFailed: (user, error) =>
          emit({ event: "fault", work: "recount", name: user, reason: String(error) }),
      });
      undo[0] = () => depot.close();
      const settings = { ...(await settingsOf(state, options)), noted };
      const registry = new Registry(depot, directory, settings, emit);
      const identity = await openIdentity(place.own);
      const doors: OpenDoor[] = [];
      const opened = (door: OpenDoor): OpenDoor => {
        doors.push(door);
        undo.push(() => door.stop());
        return door;
      };
      const door = opened(openTlsDoor(registry, identity, address));
      registry.admission.listening = door;
      const plain = plainAddress && opened(openPlainDoor(registry, plainAddress));
      opened(await openOperatorDoor(registry, identity, place.operatorSocket));
      const metrics = metricsAddress && opened(await openMetricsDoor(registry, metricsAddress));
      announce(door, identity, emit, options.json === true);
      if (plain !== undefined) {
        emit({ event: "listening-plain", host: plain.host, port: plain.port });
      }
      if (metrics !== undefined) {
        emit({ event: "listening-metrics", host: metrics.host, port: metrics.port });
      }
      if (!wasClean) emit({ event: "recovered", ...mended });
      const server = new Server(place, { registry, directory, doors, told }, emit, partAgeMs);
      told.began(registry.accounts);
      void server.#recount();
      server.#beside("registration", registry.admission.finish());
      return server;
    } catch (error) {
      for (const close of undo.toReversed()) await close();
      throw error;
    }
  }

  async run(stopping: Promise<string>): Promise<void> {
    const watching = setInterval(() => this.#watch(), WATCH_EVERY_MS);
    const sweeping = setInterval(() => this.#sweep(), this.#sweepMs);
    const following = this.#directory.watch(
      ACCOUNTS_POLL_MS,
      () => this.#reload(),
      (complaint) => this.#complain(complaint),
    );
    if (this.#directory.accounts.size === 0) {
      this.#beside("offer", offerAccount(this.#place, this.#directory));
    }
    const told = Promise.race([stopping, this.#registry.stopping.then(() => "drain")]);
    // Behind what is told, because it settles the other one too.
    void stopping.then(() => this.#registry.stop());
    await this.#drain(await told);
    following.stop();
    // An edit that the watch was about to see; a mistake is told by the next start.
    await this.#directory.load().catch(() => {});
    this.#tellChanges();
    await this.#told.settled();
    clearInterval(sweeping);
    clearInterval(watching);
    // What was not counted again is made up by the next run, if this one does not look clean.
    const isClean = (await this.#depot.recounts.stop()) && (await this.#markStopped());
    await this.#depot.close();
    this.#emit({ event: "shutdown", signal: await told, clean: isClean });
  }

  /** On a full disk that cannot be noted; then the next run counts what this one did not. */
  async #markStopped(): Promise<boolean> {
    try {
      await this.#registry.attendance.write().catch(() => {});
      await this.#depot.state.markStopped();
      return true;
    } catch (error) {
      this.#fault("stop", error);
      return false;
    }
  }

  async #drain(signal: string): Promise<void> {
    this.#emit({ event: "draining", signal, transfers: this.#registry.transferCount });
    this.#registry.drain();
    // All but the operator's, who may want to see what is still under way.
    for (const door of this.#doors) if (!door.isLast) door.stop();
    const reason = new FtpxError("DRAINING");
    // An operator who loses patience can make it sooner.
    while (this.#registry.isBusy && performance.now() < this.#registry.stopByMs) {
      this.#registry.closeIdle(reason);
      await Bun.sleep(50);
    }
    for (const open of this.#doors) open.stop();
    await this.#registry.closeAll(reason);
  }

  #watch(): void {
    const nowMs = performance.now();
    this.#registry.watch(nowMs);
    for (const door of this.#doors) door.watch(nowMs);
  }

  #sweep(): void {
    this.#beside("sweep", this.#depot.sweep(this.#sweepMs));
    this.#beside("sweep", this.#registry.admission.sweep(this.#sweepMs));
  }

  #reload(): void {
    this.#registry.reload();
    this.#tellChanges();
    this.#emit({ event: "reload", accounts: this.#directory.accounts.size });
  }

  /** Whoever made them: an editor, a command, or this server for one of its users. */
  #tellChanges(): void {
    this.#told.changed(this.#directory.accounts);
  }

  #complain(complaint: unknown): void {
    const isFtpx = complaint instanceof FtpxError;
    const { file, line, column, reason } = isFtpx ? complaint.details : {};
    this.#emit({ event: "reload-failed", file, line, column, reason: reason ?? String(complaint) });
  }

  /**
   * Behind the running service: what an unclean stop left counted is put right, and what
   * the operator placed in a home or took out of it meanwhile is counted.
   */
  async #recount(): Promise<void> {
    const { recounts } = this.#depot;
    const users = [...this.#directory.accounts.keys()];
    recounts.add(...users);
    if (await recounts.settled()) this.#emit({ event: "recounted", accounts: users.length });
  }

  /** The service goes on meanwhile: a person who is asked, say, may take their time. */
  #beside(work: string, doing: Promise<unknown>): void {
    doing.catch((error: unknown) => this.#fault(work, error));
  }

  #fault(work: string, error: unknown): void {
    this.#emit({ event: "fault", work, reason: String(error) });
  }
}

async function settingsOf(
  state: State,
  options: OptionsOf<typeof OPTIONS>,
): Promise<RegistrySettings> {
  const { quota, grace, registration = "open" } = options;
  return {
    ...(await capsOf(options)),
    version: SOFTWARE,
    secret: await state.secret(),
    graceMs: grace ?? GRACE_MS_DEFAULT,
    quota: { bytes: quota ?? QUOTA_BYTES_DEFAULT, files: QUOTA_FILES_DEFAULT },
    registration,
  };
}

/** Uploads are aged in steps of a quarter of what they may get, and of so much at most. */
const SWEEP_MS_MAX = 10 * 60_000;
