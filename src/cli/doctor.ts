/**
 * `ftpx doctor`: what is wrong, or will be, and what can be done. Without a target it looks at
 * the data directory and this machine, with one at the way to that server; premises.ts and
 * reach.ts do. It mends nothing, and leaves nothing behind.
 */
import { parseCount } from "../base/units.ts";
import { parseTarget } from "../client/target.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { Diagnosis } from "./diagnosis.ts";
import { interruptible } from "./interrupt.ts";
import { placeOf } from "./place.ts";
import { lookAtPremises } from "./premises.ts";
import { lookAtServer } from "./reach.ts";
import { CONNECT_OPTIONS } from "./verbs/verb.ts";

const OPTIONS = {
  data: DATA,
  maxSessions: {
    flags: "--max-sessions <n>",
    about: "as the server is told: whether the descriptors are enough",
    parse: parseCount,
  },
  noSpeed: { flags: "--no-speed", about: "send no content, of which the speed is measured" },
  ...CONNECT_OPTIONS,
  json: JSON_LINES,
} as const;

export const DOCTOR: Spec<typeof OPTIONS> = {
  name: "doctor",
  about:
    "Looks at the server on this machine, or at the way to another one, and says what is wrong",
  usage: "[TARGET]",
  words: [0, 1],
  options: OPTIONS,
  examples: [
    "ftpx doctor --data /srv/ftpx",
    "ftpx doctor ann@files.example.org",
    "ftpx doctor --json --no-speed files.example.org",
  ],
};

/** With a target only it is looked at, unless a data directory is named too. */
export async function doctor(
  [named]: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<number> {
  const diagnosis = new Diagnosis(options.json === true);
  if (named === undefined || options.data !== undefined) {
    await lookAtPremises(diagnosis, placeOf(options.data), options.maxSessions);
  }
  if (named !== undefined) {
    const target = parseTarget(named);
    const hasSpeed = options.noSpeed !== true;
    await interruptible(true, (signal) =>
      lookAtServer(diagnosis, { target, options, hasSpeed, signal }),
    );
  }
  return diagnosis.finish();
}
