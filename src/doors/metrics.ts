/**
 * The door for a monitoring system: GET /metrics over HTTP, for Prometheus and its like. It is
 * closed unless the operator opens it, tells numbers only, and takes nothing in.
 *
 * An answer is made of what is in memory. There is no sign-in: whoever reaches the address
 * sees the numbers, so it is to be one of this machine, or of a network for that.
 */
import type { Registry } from "../sessions/registry.ts";
import type { Transfer } from "../sessions/transfers.ts";
import { listen } from "./door.ts";
import type { OpenDoor } from "./door.ts";
import { CONTENT_TYPE, expose } from "./exposition.ts";
import type { Family, Sample } from "./exposition.ts";
import { Vitals } from "./vitals.ts";

/** A peer that neither asks nor reads for so long is gone. */
const IDLE_SECONDS = 10;

/** A scrape has no body. */
const REQUEST_BODY_BYTES_MAX = 1;

/** @throws FtpxError BAD_CONFIG when the address cannot be listened on */
export async function openMetricsDoor(
  registry: Registry,
  address: { readonly hostname: string; readonly port: number },
): Promise<OpenDoor> {
  const vitals = await Vitals.begin(registry.depot.state);
  const startedMs = Date.now();
  const options = {
    ...address,
    development: false,
    // Or another server of this user would share the address without a word.
    reusePort: false,
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: REQUEST_BODY_BYTES_MAX,
    fetch: (request: Request) => answer(request, () => familiesOf(registry, vitals, startedMs)),
    error: () => plain("internal error", 500),
  };
  try {
    const where = `--metrics ${address.hostname}:${address.port}`;
    const server = listen(where, () => Bun.serve(options));
    const stop = () => {
      vitals.stop();
      void server.stop(true);
    };
    return { host: address.hostname, port: server.port ?? 0, isLast: true, watch: () => {}, stop };
  } catch (error) {
    vitals.stop();
    throw error;
  }
}

function answer(request: Request, families: () => readonly Family[]): Response {
  const path = pathOf(request);
  if (path === undefined) return plain("bad request", 400);
  if (path !== "/metrics") return plain("not found", 404);
  if (request.method !== "GET") return plain("method not allowed", 405, { Allow: "GET" });
  return new Response(expose(families()), { headers: { "Content-Type": CONTENT_TYPE } });
}

/** Nothing where the Host header is no host; HTTP/1.0 needs none. */
function pathOf({ url, headers }: Request): string | undefined {
  const isNamed = (headers.get("host") ?? "") !== "";
  return URL.parse(url, isNamed ? undefined : "http://localhost")?.pathname;
}

function plain(text: string, status: number, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { "Content-Type": "text/plain", ...headers },
  });
}

const DOORS = ["native", "plain", "operator"] as const;
const DIRECTIONS = ["upload", "download", "copy"] as const;
const OUTCOMES = ["done", "failed", "interrupted"] as const;

function familiesOf(registry: Registry, vitals: Vitals, startedMs: number): Family[] {
  return [
    ...serverFamilies(registry, startedMs),
    ...sessionFamilies(registry),
    ...transferFamilies(registry),
    ...stateFamilies(registry, vitals),
    ...processFamilies(vitals),
  ];
}

function serverFamilies({ settings, isDraining, accounts }: Registry, startedMs: number): Family[] {
  const build = { labels: { version: settings.version, bun: Bun.version }, value: 1 };
  return [
    gauge("ftpx_build_info", "What runs; always 1.", [build]),
    gauge("ftpx_start_time_seconds", "When the server started, since 1970.", startedMs / 1000),
    gauge("ftpx_draining", "1 while the server ends.", isDraining ? 1 : 0),
    gauge("ftpx_accounts", "Accounts in accounts.toml.", accounts.size),
  ];
}

function sessionFamilies({ sessions, counters, porter }: Registry): Family[] {
  const all = [...sessions];
  const byDoor = Map.groupBy(all, ({ line }) => line.door);
  const doors = DOORS.map((door) => ({
    labels: { door },
    value: byDoor.get(door)?.length ?? 0,
  }));
  const signedIn = all.filter(({ account }) => account !== undefined).length;
  const { signIns, refusedSignIns, refusedSessions, errors } = counters;
  const signInSamples = [
    { labels: { result: "ok" }, value: signIns },
    { labels: { result: "refused" }, value: refusedSignIns },
  ];
  const shut = porter.throttle.counts(performance.now());
  return [
    gauge("ftpx_throttled_sources", "Addresses that are shut out now.", shut.sources),
    gauge("ftpx_guarded_names", "Names that strangers may not try now.", shut.names),
    gauge("ftpx_sessions", "Open sessions.", doors),
    gauge("ftpx_sessions_signed_in", "Open sessions of users.", signedIn),
    counter(
      "ftpx_sessions_refused_total",
      "Connections without room for a session.",
      refusedSessions,
    ),
    counter("ftpx_sign_ins_total", "Sign-ins that were tried.", signInSamples),
    counter(
      "ftpx_errors_total",
      "Requests, transfers and connections that failed, by kind.",
      [...errors].map(([kind, value]) => ({ labels: { kind }, value })),
    ),
  ];
}

function transferFamilies({ sessions, counters, depot }: Registry): Family[] {
  const open: Transfer[] = [];
  for (const { transfers } of sessions) open.push(...transfers.open.values());
  const byDirection = Map.groupBy(open, ({ motion }) => motion.direction);
  const openSamples = DIRECTIONS.map((direction) => ({
    labels: { direction },
    value: byDirection.get(direction)?.length ?? 0,
  }));
  const endedSamples = DIRECTIONS.flatMap((direction) =>
    OUTCOMES.map((outcome) => ({
      labels: { direction, outcome },
      value: counters.transfers(direction, outcome),
    })),
  );
  return [
    gauge("ftpx_transfers_open", "Transfers under way.", openSamples),
    counter("ftpx_transfers_total", "Transfers that have ended.", endedSamples),
    counter("ftpx_received_bytes_total", "Content received from clients.", counters.receivedBytes),
    gauge("ftpx_unwritten_bytes", "Content that waits for the disk.", depot.unwrittenBytes),
    counter("ftpx_sent_bytes_total", "Content sent to clients.", counters.sentBytes),
    counter("ftpx_quota_refusals_total", "Requests that a quota refused.", counters.quotaRefusals),
  ];
}

function stateFamilies({ depot }: Registry, { totals }: Vitals): Family[] {
  const { count, seconds } = depot.state.batches;
  return [
    gauge("ftpx_stored_bytes", "Counted in all homes.", totals?.usedBytes),
    gauge("ftpx_stored_files", "Files and directories in all homes.", totals?.usedFiles),
    gauge(
      "ftpx_reserved_bytes",
      "Reserved for uploads that are not complete.",
      totals?.reservedBytes,
    ),
    gauge("ftpx_uploads_unfinished", "Uploads that are not complete.", totals?.uploads),
    counter("ftpx_state_batches_total", "Transactions of the state database.", count),
    counter("ftpx_state_batch_seconds_total", "Time that they took.", seconds),
  ];
}

function processFamilies({ lagMs, descriptors }: Vitals): Family[] {
  const { rss } = process.memoryUsage();
  const help = "The longest that the event loop was late, in the last half minute or less.";
  return [
    gauge("ftpx_event_loop_lag_seconds", help, lagMs / 1000),
    gauge("ftpx_resident_memory_bytes", "Memory of the process.", rss),
    gauge("ftpx_open_descriptors", "Open files and sockets of the process.", descriptors),
  ];
}

type Value = number | undefined | readonly Sample[];

function gauge(name: Family["name"], help: string, value: Value): Family {
  return { name, type: "gauge", help, samples: samplesOf(value) };
}

function counter(name: `ftpx_${string}_total`, help: string, value: Value): Family {
  return { name, type: "counter", help, samples: samplesOf(value) };
}

function samplesOf(value: Value): readonly Sample[] {
  if (value === undefined) return [];
  return typeof value === "number" ? [{ value }] : value;
}
