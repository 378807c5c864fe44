/**
 * What happens to a data directory while its server is stopped, in the server's audit log: by
 * the command that does it. Such lines say `while: stopped`. What a running server does it
 * writes itself; nobody else appends to its log then.
 */
import { formatEvent } from "../base/events.ts";
import type { ServerEvent } from "../base/events.ts";
import { AuditLog } from "./audit.ts";
import type { Place } from "./place.ts";
import { writeNote } from "./terminal.ts";

/**
 * Appends events, whose work is done: a log that takes none is said and no failure.
 *
 * @returns whether they are with the system
 */
export async function tellStopped(place: Place, events: readonly ServerEvent[]): Promise<boolean> {
  if (events.length === 0) return true;
  let failure: unknown;
  try {
    const log = await AuditLog.open(place.auditFile, {
      failed: (reason) => (failure = reason),
      resumed: () => {},
    });
    for (const event of events) log.append(formatEvent({ ...event, while: "stopped" }, new Date()));
    await log.close();
  } catch (error) {
    failure = error;
  }
  if (failure === undefined) return true;
  writeNote(`ftpx: ${place.auditFile}: this could not be written to the audit log`);
  return false;
}
