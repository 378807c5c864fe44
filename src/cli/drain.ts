/**
 * `ftpx drain`: the server stops as it does for SIGTERM, and this waits until it has let go of
 * the data directory. A server that a service manager runs ends with 0 and is not brought back
 * by one that restarts after failures only.
 */
import { isKind } from "../base/errors.ts";
import { formatCount, formatDuration, parseDuration } from "../base/units.ts";
import type { Client } from "../client/client.ts";
import { unlessAborted } from "../client/remote.ts";
import { openState } from "../state/state.ts";
import { report } from "./admin.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { interruptible } from "./interrupt.ts";
import { isServed, withServer } from "./operator.ts";
import { placeOf } from "./place.ts";
import type { Place } from "./place.ts";

const OPTIONS = {
  data: DATA,
  grace: {
    flags: "--grace <time>",
    about: "time for open transfers (what the server was started with)",
    parse: parseDuration,
  },
  json: JSON_LINES,
} as const;

export const DRAIN: Spec<typeof OPTIONS> = {
  name: "drain",
  about: "Stops the server when open transfers have ended, and waits for its end",
  usage: "",
  words: [0, 0],
  options: OPTIONS,
  examples: ["ftpx drain", "ftpx drain --grace 5m --data /srv/ftpx"],
};

const LOOK_EVERY_MS = 100;

export async function drain(
  _words: readonly string[],
  { data, grace, json }: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const place = placeOf(data);
  const beganMs = performance.now();
  await interruptible(true, async (signal) => {
    await withServer(place, async (client) => {
      const told = await askToDrain(client, grace);
      if (told !== undefined) {
        const { transfers, graceMs } = told;
        const text = `${formatCount(transfers, "transfer")} under way, up to ${formatDuration(graceMs)}`;
        report(json, { event: "draining", ...told }, `the server drains: ${text}`);
      }
      await unlessAborted(untilClosed(client), signal);
    });
    await unlessAborted(untilFree(place, signal), signal);
  });
  const seconds = Math.round(performance.now() - beganMs) / 1000;
  report(json, { event: "ended", seconds }, "the server has ended");
}

/** Nothing where the server was about to end anyway, which is what is wanted. */
async function askToDrain(client: Client, graceMs: number | undefined) {
  try {
    return await client.call("drain", { graceMs });
  } catch (error) {
    if (isKind(error, "DRAINING", "CONNECTION_LOST")) return undefined;
    throw error;
  }
}

/** The server closes the operator's connections last. */
async function untilClosed(client: Client): Promise<void> {
  while (client.isOpen) await Bun.sleep(LOOK_EVERY_MS);
}

/** Its lock on the state is gone, or another server has it already. */
async function untilFree(place: Place, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await (await openState(place.stateFile)).close();
      return;
    } catch (error) {
      if (!isKind(error, "SERVER_RUNNING")) throw error;
    }
    if (await isServed(place)) return;
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
