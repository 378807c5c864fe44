/**
 * Looks at a server from beside it, in a process of its own, so that what the clients of
 * soak.ts are busy with is not taken for the server's: one line of JSON a second.
 *
 *   bun test/campaign/soak-watch.ts PORT FINGERPRINT PID METRICS-PORT
 *
 * An otherwise idle session pings the server: the worst round trip of the second is how long
 * the event loop kept anybody waiting, and the network of this machine with it. The server's
 * own word for it is on /metrics. It ends with its standard input.
 */
import { readFileSync } from "node:fs";
import { DerivedKeys } from "../../src/base/scram.ts";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/wire/connection.ts";
import { PING } from "../../src/wire/frame.ts";
import { descriptorCountOf } from "../support/process.ts";
import { readExposition } from "../support/prometheus.ts";

/** One second of a server. */
export interface Sample {
  /** Since the epoch, so that two processes agree. */
  readonly atMs: number;
  readonly rssKib: number;
  readonly pssKib: number;
  /** Of no file: what the program itself asked for. */
  readonly anonymousKib: number;
  readonly descriptors: number;
  readonly pingMs: number;
  readonly lagMs: number;
}

const SAMPLE_MS = 1000;
const PING_EVERY_MS = 50;

export const WATCHER = "watch";

export interface Vitals {
  readonly lagMs: number;
  readonly sessions: number;
  readonly transfers: number;
}

/** What the server says of itself. */
export async function vitalsOf(metricsPort: number): Promise<Vitals> {
  // A connection that is kept for the next time is a descriptor of the server's.
  const address = `http://127.0.0.1:${metricsPort}/metrics`;
  const text = await (await fetch(address, { headers: { Connection: "close" } })).text();
  const families = readExposition(text);
  const sumOf = (name: string) =>
    [...(families.get(name)?.samples.values() ?? [])].reduce((sum, value) => sum + value, 0);
  return {
    lagMs: 1000 * sumOf("ftpx_event_loop_lag_seconds"),
    sessions: families.get("ftpx_sessions")?.samples.get('door="native"') ?? -1,
    transfers: sumOf("ftpx_transfers_open"),
  };
}

function memoryOf(pid: number): Pick<Sample, "rssKib" | "pssKib" | "anonymousKib"> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  return { rssKib: kib("Rss"), pssKib: kib("Pss"), anonymousKib: kib("Anonymous") };
}

/** A connection drops answers to pings, so they are heard where they come in. */
class Pinger {
  readonly #connection: Connection;
  #sentMs: number | undefined;
  #worstMs = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    const received = connection.received.bind(connection);
    connection.received = (bytes) => {
      this.#heard();
      received(bytes);
    };
    setInterval(() => this.#ask(), PING_EVERY_MS);
  }

  /** The worst since it was asked last, one that is under way too. */
  takeWorst(): number {
    const underWayMs = this.#sentMs === undefined ? 0 : performance.now() - this.#sentMs;
    const worst = Math.max(this.#worstMs, underWayMs);
    this.#worstMs = 0;
    return worst;
  }

  #ask(): void {
    if (this.#sentMs !== undefined) return;
    this.#sentMs = performance.now();
    this.#connection.send(PING, 0, 0, new Uint8Array(0));
  }

  #heard(): void {
    if (this.#sentMs === undefined) return;
    this.#worstMs = Math.max(this.#worstMs, performance.now() - this.#sentMs);
    this.#sentMs = undefined;
  }
}

async function watch(words: readonly string[]): Promise<never> {
  const [port, fingerprint, pid, metricsPort] = words;
  const endpoint = { host: "127.0.0.1", port: Number(port), fingerprint, name: WATCHER };
  const { client } = await connect(endpoint, WATCHER);
  await client.signIn(WATCHER, new DerivedKeys(() => process.env["FTPX_PASSWORD"] ?? ""));
  const pinger = new Pinger(client.connection);
  const look = async (): Promise<void> => {
    const sample: Sample = {
      atMs: Date.now(),
      ...memoryOf(Number(pid)),
      descriptors: descriptorCountOf(Number(pid)),
      pingMs: pinger.takeWorst(),
      lagMs: (await vitalsOf(Number(metricsPort))).lagMs,
    };
    console.log(JSON.stringify(sample));
  };
  await look();
  // A server that is gone is the campaign's to notice.
  setInterval(() => void look().catch(() => process.exit(1)), SAMPLE_MS);
  void client.finished.then(({ kind }) => {
    console.error(`the watcher's session ended: ${kind}`);
    process.exit(1);
  });
  for await (const _ of Bun.stdin.stream());
  process.exit(0);
}

if (import.meta.main) await watch(process.argv.slice(2));
