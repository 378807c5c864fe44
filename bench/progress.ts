/**
 * Copies that are watched by the events of `--json`, and cut off by killing the client. Events of
 * progress come every 100 ms, so that a time is up to so much too long, and never too short.
 */
import { linesOf } from "../test/e2e/binary.ts";
import { endWithRun, ERRAND_MS_MAX } from "./errand.ts";
import type { Errand } from "./errand.ts";

interface Event {
  readonly event: string;
  readonly bytes?: number;
  readonly resumedAt?: number;
  readonly message?: string;
}

/**
 * Runs until more than so many bytes are moved, and then, unless its end is wanted, no further.
 *
 * @returns seconds from the start until then; where it went on, if it ended
 */
export async function firstProgress(
  { words, env = {} }: Errand,
  beyondBytes: number,
  { isEndWanted = false } = {},
): Promise<{ seconds: number; resumedAt: number }> {
  const beganMs = performance.now();
  const child = Bun.spawn([...words], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
    timeout: ERRAND_MS_MAX,
  });
  endWithRun(child);
  let [seconds, resumedAt] = [Number.NaN, Number.NaN];
  try {
    for await (const line of linesOf(child.stdout)) {
      const { event, bytes = 0, message, ...others } = JSON.parse(line) as Event;
      if (event === "failed") throw new Error(message);
      if (event === "done") resumedAt = others.resumedAt ?? 0;
      if (Number.isNaN(seconds) && bytes > beyondBytes) {
        seconds = (performance.now() - beganMs) / 1000;
        if (!isEndWanted) break;
      }
    }
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  if (Number.isNaN(seconds)) throw new Error("nothing was moved");
  return { seconds, resumedAt };
}
