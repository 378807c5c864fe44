/**
 * The exit status: what a failure alone would end with, what a signal ends with, and which of
 * several is the worst.
 */
import { FtpxError, isKind } from "../base/errors.ts";

/** sysexits(3) EX_SOFTWARE: a defect. */
const DEFECT_STATUS = 70;

let ending: keyof typeof SIGNAL_STATUSES | undefined;

/** As shells have it: 128 and the number of the signal. */
const SIGNAL_STATUSES = { SIGHUP: 129, SIGTERM: 143 } as const;

/** From then on an interruption is told with the signal that it was, and has its status. */
export function endedBySignal(signal: keyof typeof SIGNAL_STATUSES): void {
  ending ??= signal;
}

/** The signal that has ended the program; nothing as long as none has. */
export function endingSignal(): keyof typeof SIGNAL_STATUSES | undefined {
  return ending;
}

/** Nothing as long as no signal has. */
export function endingStatus(): number | undefined {
  return ending && SIGNAL_STATUSES[ending];
}

/** The exit status that a failure alone would end with. */
export function exitStatusOf(error: unknown): number {
  if (isKind(error, "INTERRUPTED")) return endingStatus() ?? error.row.exit;
  return error instanceof FtpxError ? error.row.exit : DEFECT_STATUS;
}

/**
 * From worst to best: what a person ended; a defect; content that is wrong; what does
 * not get better by trying again, the stranger first; what may succeed later.
 */
const STATUSES_BY_WEIGHT = [130, DEFECT_STATUS, 65, 76, 77, 78, 64, 73, 66, 69, 75, 0];

/** The status of several outcomes is that of the worst. */
export function worstStatus(statuses: Iterable<number>): number {
  let worst = 0;
  for (const status of statuses) if (weightOf(status) < weightOf(worst)) worst = status;
  return worst;
}

/** A status that is not ours weighs as much as a defect. */
function weightOf(status: number): number {
  if (status === endingStatus()) return 0;
  const index = STATUSES_BY_WEIGHT.indexOf(status);
  return index < 0 ? 1 : index;
}
