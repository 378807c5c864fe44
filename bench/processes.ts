/**
 * Servers of any kind as the kernel sees them: the processes that they fork for their sessions,
 * what all of them have used of the processor, and the most memory that one has had.
 */
import { readFileSync, readdirSync } from "node:fs";
import { cpuOf } from "../test/support/process.ts";

/** How often a server's processes are looked at. */
const LOOK_MS = 10;

/**
 * Processor time that a server uses, with all the processes that it forks meanwhile.
 *
 * What the kernel counts for a process that has ended goes to the one that waited for it, and is
 * exact; but a session of vsftpd may end before the processes that it forked itself, and then
 * their time goes nowhere. So they are looked at too as long as they are there, which misses
 * the end of each. Both are never too much: the greater is nearer.
 */
export class ServerTime {
  readonly #pid: number;
  readonly #began: { own: number; ended: number };
  /** By process, as last seen. */
  readonly #forked = new Map<number, number>();
  readonly #looking: ReturnType<typeof setInterval>;

  /** To be begun when no session is open. */
  constructor(pid: number) {
    this.#pid = pid;
    this.#began = cpuOf(pid);
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Seconds until now; to be asked once all sessions have ended. */
  end(): number {
    clearInterval(this.#looking);
    const { own, ended } = cpuOf(this.#pid);
    const seen = [...this.#forked.values()].reduce((sum, seconds) => sum + seconds, 0);
    return own - this.#began.own + Math.max(ended - this.#began.ended, seen);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looking);
  }

  #look(): void {
    for (const pid of descendantsOf(this.#pid)) {
      try {
        this.#forked.set(pid, cpuOf(pid).own);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** Waits until the processes that a server forked for its sessions have ended. */
export async function sessionsEnded(pid: number, msMax = 5000): Promise<void> {
  for (let ms = 0; ms < msMax && childrenOf(pid).length > 0; ms += 10) await Bun.sleep(10);
}

/** All processes below this one, children before grandchildren. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** None of a process that has ended. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
      const children = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8");
      return children.split(" ").filter(Boolean).map(Number);
    });
  } catch {
    return [];
  }
}

/** 0 of a process that has ended. */
export function peakMibOf(pid: number): number {
  let status = "";
  try {
    status = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    // It has ended.
  }
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}
