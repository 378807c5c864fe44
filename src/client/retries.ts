/**
 * How long a client waits before it tries again. What a server asks for counts within a bound: else
 * it could hold a client for years.
 */
import type { FtpxError } from "../base/errors.ts";
import { isKind } from "../base/errors.ts";
import { RETRY_AFTER_MS_MAX } from "../base/limits.ts";

/** Whoever hears these is not let in, and may be later. */
export const NO_PLACE = [
  "TURNED_AWAY",
  "SERVER_FULL",
  "SOURCE_FULL",
  "USER_FULL",
  "THROTTLED",
] as const;

/** What comes back by itself, and takes its time. */
const LOST = [
  ...NO_PLACE,
  "CONNECTION_LOST",
  "FRAME_DAMAGED",
  "UNREACHABLE",
  "PEER_SILENT",
  "DRAINING",
  "SERVER_STOPPING",
] as const;

/** What another attempt may mend at once, over a connection that is there. */
const PASSING = [
  "UPLOAD_BUSY",
  "CHUNK_DAMAGED",
  "CHANGED",
  "SOURCE_CHANGED",
  "TRANSFER_STALLED",
] as const;

/** Five span two minutes: a train in a tunnel, a router or a server that starts anew. */
const PAUSES_MS = [1_000, 3_000, 12_000, 40_000] as const;
const PAUSE_MS_MAX = 64_000;

const SOON_MS = 250;
const PASSING_MS_MAX = 15_000;

export function isWorthRetrying(error: unknown): error is FtpxError {
  return isKind(error, ...LOST, ...PASSING) && !isTooLong(error);
}

/** To be told to wait for longer than a client waits is an answer. */
function isTooLong({ kind, details }: FtpxError): boolean {
  return kind === "THROTTLED" && (details.retryAfterMs ?? 0) > RETRY_AFTER_MS_MAX;
}

/** Whether it passes as soon as there is a connection again. */
export function isLost(error: FtpxError): boolean {
  return isKind(error, ...LOST);
}

/**
 * @param attempt which one comes, from 1 on
 * @param wasGood whether the connection carried something a moment ago: then a reset costs no second
 */
export function pauseBefore(
  attempt: number,
  { reason, wasGood, chance = Math.random() }: PauseFacts,
): number {
  const asked = Math.min(RETRY_AFTER_MS_MAX, reason.details.retryAfterMs ?? 0);
  // Clients that lost the same server must not come back in step.
  const spread = plannedMs(attempt, reason, wasGood) * (0.75 + chance / 2);
  return Math.round(Math.max(spread, asked));
}

interface PauseFacts {
  readonly reason: FtpxError;
  readonly wasGood: boolean;
  /** Of 0 to 1; drawn unless told. */
  readonly chance?: number;
}

function plannedMs(attempt: number, reason: FtpxError, wasGood: boolean): number {
  if (!isLost(reason)) return Math.min(PASSING_MS_MAX, SOON_MS * 2 ** (attempt - 1));
  if (attempt === 1 && wasGood) return SOON_MS;
  return PAUSES_MS[attempt - 1] ?? PAUSE_MS_MAX;
}
