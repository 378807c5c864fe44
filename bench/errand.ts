/**
 * One command of a client, run to its end: how long it took from its start to its exit, what it
 * used of the processor and of memory.
 */
import { peakMibOf } from "./processes.ts";

export interface Errand {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

export interface Measured {
  readonly seconds: number;
  /** Of the client and its children, in user and system mode. */
  readonly cpuSeconds: number;
  /** Of the process that was started; NaN unless it was wanted. */
  readonly peakMib: number;
}

/** Longer than anything at full size; what hangs does not stop the others. */
export const ERRAND_MS_MAX = 900_000;

/**
 * How often memory is looked at. Not taken from what the system says of a child that has ended:
 * there the memory of the process that started it counts too.
 */
const LOOK_MS = 10;

/** @throws when it fails, with what it wrote to stderr */
export async function measure(errand: Errand): Promise<Measured> {
  return (await measureOutput(errand, async () => {})).measured;
}

/** With the client's memory, which costs it a little time. */
export async function measurePeak(errand: Errand): Promise<Measured> {
  return (await measureOutput(errand, async () => {}, { isPeakWanted: true })).measured;
}

/** `read` has the output and its own time. */
export async function measureOutput<Read>(
  { words, env = {}, stdin }: Errand,
  read: (stdout: ReadableStream<Uint8Array>, beganMs: number) => Promise<Read>,
  { isPeakWanted = false } = {},
): Promise<{ measured: Measured; read: Read }> {
  const beganMs = performance.now();
  const child = Bun.spawn([...words], {
    env: { ...process.env, ...env },
    stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: ERRAND_MS_MAX,
  });
  endWithRun(child);
  let peakMib = Number.NaN;
  const look = () => {
    peakMib = Math.max(Number.isNaN(peakMib) ? 0 : peakMib, peakMibOf(child.pid));
  };
  const looking = isPeakWanted ? setInterval(look, LOOK_MS) : undefined;
  const stderr = new Response(child.stderr).text();
  const reading = read(child.stdout, beganMs);
  const status = await child.exited;
  const seconds = (performance.now() - beganMs) / 1000;
  clearInterval(looking);
  if (status !== 0) {
    const lines = (await stderr).trim().split("\n");
    throw new Error(`${words.slice(0, 8).join(" ")} …: ${status} ${lines.slice(-3).join(" / ")}`);
  }
  const usage = child.resourceUsage();
  const cpuSeconds = Number(usage?.cpuTime.total ?? 0) / 1e6;
  return {
    measured: { seconds, cpuSeconds, peakMib },
    read: await reading,
  };
}

const UNDER_WAY = new Set<Endable>();
interface Endable {
  readonly exited: Promise<unknown>;
  kill(signal: "SIGKILL"): void;
}

const STOPPED = new AbortController();

/** The process is ended with all others when the run is stopped; until it has ended by itself. */
export function endWithRun(child: Endable): void {
  UNDER_WAY.add(child);
  void child.exited.then(() => UNDER_WAY.delete(child));
}

/** Ends what is under way, and lets nothing more begin. */
export function stopErrands(): void {
  STOPPED.abort();
  // lftp goes on in the background when it is asked to end.
  for (const child of UNDER_WAY) child.kill("SIGKILL");
}

/** Never comes back when the run was stopped: whoever stopped it ends the process. */
export async function unlessStopped(): Promise<void> {
  if (STOPPED.signal.aborted) await new Promise(() => {});
}

/** Runs to the end, for its output. @throws when it fails */
export async function run(words: readonly string[], env?: Record<string, string>): Promise<string> {
  const errand = env === undefined ? { words } : { words, env };
  return (await measureOutput(errand, async (stdout) => await new Response(stdout).text())).read;
}
