/**
 * One command of a client, run to its end: how long it took from its start to its exit, what it
 * used of the processor and of memory, and what the servers behind it used.
 */
import { readFileSync, readdirSync } from "node:fs";

export interface Errand {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

export interface Measured {
  readonly seconds: number;
  /** Of the client and its children, in user and system mode. */
  readonly cpuSeconds: number;
  /** The largest of these processes. */
  readonly peakMib: number;
}

const MIB = 1024 * 1024;

/** Longer than anything at full size; what hangs does not stop the others. */
const ERRAND_MS_MAX = 900_000;

/** @throws when it fails, with what it wrote to stderr */
export async function measure(errand: Errand): Promise<Measured> {
  const { measured } = await measureOutput(errand, async () => {});
  return measured;
}

/** `read` has the output and its own time. */
export async function measureOutput<Read>(
  { words, env = {}, stdin }: Errand,
  read: (stdout: ReadableStream<Uint8Array>, beganMs: number) => Promise<Read>,
): Promise<{ measured: Measured; read: Read }> {
  const beganMs = performance.now();
  const child = Bun.spawn([...words], {
    env: { ...process.env, ...env },
    stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: ERRAND_MS_MAX,
  });
  UNDER_WAY.add(child);
  const stderr = new Response(child.stderr).text();
  const reading = read(child.stdout, beganMs);
  const status = await child.exited;
  const seconds = (performance.now() - beganMs) / 1000;
  UNDER_WAY.delete(child);
  if (status !== 0) {
    const lines = (await stderr).trim().split("\n");
    throw new Error(`${words.slice(0, 8).join(" ")} …: ${status} ${lines.slice(-3).join(" / ")}`);
  }
  const usage = child.resourceUsage();
  const cpuSeconds = Number(usage?.cpuTime.total ?? 0) / 1e6;
  return {
    measured: { seconds, cpuSeconds, peakMib: (usage?.maxRSS ?? 0) / MIB },
    read: await reading,
  };
}

const UNDER_WAY = new Set<{ kill(): void }>();

/** Ends the errands that are under way, if any. */
export function stopErrands(): void {
  for (const child of UNDER_WAY) child.kill();
}

/** Runs to the end, for its output. @throws when it fails */
export async function run(words: readonly string[], env?: Record<string, string>): Promise<string> {
  const errand = env === undefined ? { words } : { words, env };
  return (await measureOutput(errand, async (stdout) => await new Response(stdout).text())).read;
}

/** Used by a process so far, and by its children that have ended. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime, stime, cutime, cstime: proc(5) counts from 1, and two fields are cut off.
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** Waits until the processes that a server forked for its sessions have ended. */
export async function sessionsEnded(pid: number): Promise<void> {
  for (let tries = 0; tries < 500 && childrenOf(pid) > 0; tries += 1) await Bun.sleep(10);
}

function childrenOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim())
    .filter((children) => children !== "").length;
}

export function peakMibOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}
