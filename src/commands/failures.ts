/**
 * Transfers that failed for a reason of the server's own are told to the operator: a disk that
 * is full or failing, files that the system refuses. What a client did wrong, and what a quota
 * refused, are no business of this.
 */
import type { ErrorKind, FtpxError } from "../base/errors.ts";
import type { Session } from "../sessions/session.ts";
import type { Motion } from "../transfer/motion.ts";

const OWN_FAILURES: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  "DISK_FULL",
  "IO_FAILED",
  "NO_PERMISSION",
  "NO_DESCRIPTORS",
  "STATE_FAILED",
  "STATE_DAMAGED",
  "OUTCOME_UNKNOWN",
  "NOT_SETTLED",
  "DIGEST_MISMATCH",
  "INTERNAL",
]);

export function tellFailure(
  session: Pick<Session, "emit">,
  { direction, path, totalBytes }: Pick<Motion, "direction" | "path" | "totalBytes">,
  failure: FtpxError,
): void {
  if (!OWN_FAILURES.has(failure.kind)) return;
  const { reason } = failure.details;
  const why = reason === undefined ? failure.kind : `${failure.kind} ${reason}`;
  session.emit("transfer-failed", { direction, path, bytes: totalBytes, reason: why });
}
