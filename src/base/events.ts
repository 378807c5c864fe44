/**
 * What the server tells the operator, the log and the audit file: one JSON object an
 * event. Values are facts; a value that looks like a secret is a defect and refused
 * here, at the one place through which every line goes.
 */

export type EventValue = string | number | boolean | undefined;

export interface ServerEvent {
  /** listening, session, login, login-failed, transfer, quota-refused, reload, shutdown, … */
  readonly event: string;
  readonly [field: string]: EventValue;
}

export type EventSink = (event: ServerEvent) => void;

/** What JSON leaves as it is, and a terminal that shows the log does not. */
const OTHER_CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

const SECRET_FIELDS = /password|secret|proof|verifier|private/i;

/** One line, without its line end. Control characters in values are escaped. */
export function formatEvent(event: ServerEvent, time: Date): string {
  for (const field of Object.keys(event)) {
    if (SECRET_FIELDS.test(field)) throw new Error(`event field ${field} may hold a secret`);
  }
  const line = JSON.stringify({ time: time.toISOString(), ...event });
  return line.replace(
    OTHER_CONTROLS,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
