/**
 * Where the server's events go: the audit log as JSON lines, and stdout as JSON lines or as
 * lines for a person.
 */
import { FtpxError } from "../base/errors.ts";
import { formatEvent } from "../base/events.ts";
import type { EventSink, ServerEvent } from "../base/events.ts";
import { AuditLog } from "./audit.ts";
import { eventLine } from "./eventline.ts";
import { endOfQuestion } from "./questions.ts";
import { columnsOf, isScreen, writeLine } from "./terminal.ts";

/** A question may stay open for days. */
const SHOWN_LINES_MAX = 1000;

/** Where nobody looks, or on a very wide terminal. */
const COLUMNS_MAX = 100;

export class Reporter {
  readonly #isJson: boolean;
  readonly #audit: AuditLog;
  /** Lines of this turn of the event loop, or of the time that a question is open. */
  readonly #shown: string[] = [];

  private constructor(isJson: boolean, audit: AuditLog) {
    this.#isJson = isJson;
    this.#audit = audit;
  }

  /** @throws FtpxError NO_PERMISSION, … */
  static async open(auditFile: string, isJson: boolean): Promise<Reporter> {
    // It tells nothing before a line is appended.
    const audit = await AuditLog.open(auditFile, {
      failed: (failure) => {
        const reason = failure instanceof FtpxError ? failure.kind : String(failure);
        reporter.#show({ event: "audit-failed", reason });
      },
      resumed: (lost) => reporter.emit({ event: "audit-resumed", lost }),
    });
    const reporter = new Reporter(isJson, audit);
    return reporter;
  }

  readonly emit: EventSink = (event) => {
    this.#audit.append(this.#show(event));
  };

  /** The audit log was rotated. */
  reopen(): void {
    this.#audit.reopen();
  }

  /** Resolves when what was told until now would survive the end of this process. */
  async noted(): Promise<void> {
    await this.#audit.written();
  }

  async close(): Promise<void> {
    this.#writeNow();
    await this.#audit.close();
  }

  /** @returns the event as JSON */
  #show(event: ServerEvent): string {
    const time = new Date();
    const line = formatEvent(event, time);
    const shown = this.#isJson ? line : eventLine(event, time, columnsOfPerson());
    // All of them are in the audit log.
    if (this.#shown.length >= SHOWN_LINES_MAX && endOfAsking() !== undefined) this.#shown.shift();
    // A write each would cost as much as all else that is done to store a small file.
    if (this.#shown.push(shown) === 1) setImmediate(() => this.#writeShown());
    return line;
  }

  #writeShown(): void {
    const end = endOfAsking();
    if (end === undefined) this.#writeNow();
    else void end.then(() => this.#writeShown());
  }

  #writeNow(): void {
    const lines = this.#shown.splice(0);
    if (lines.length > 0) writeLine(lines.join("\n"));
  }
}

/** Of a question on the screen where the lines are shown. */
function endOfAsking(): Promise<void> | undefined {
  return isScreen(process.stdout) ? endOfQuestion() : undefined;
}

function columnsOfPerson(): number {
  if (!isScreen(process.stdout)) return COLUMNS_MAX;
  return Math.min(COLUMNS_MAX, columnsOf(process.stdout));
}
