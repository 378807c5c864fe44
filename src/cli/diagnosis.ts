/**
 * What `ftpx doctor` finds, told as it is found: each thing that was looked at has a line with
 * its verdict, and a hint where something can be done. A check answers what it saw; what it
 * throws is its failure, with the exit status of its row in the table of errors.
 */
import { isKind } from "../base/errors.ts";
import { formatCount } from "../base/units.ts";
import { visible } from "./escaping.ts";
import { exitStatusOf, worstStatus } from "./status.ts";
import { coloursOf, writeJson, writeLine } from "./terminal.ts";
import { failureFacts } from "./trouble.ts";

type Verdict = "ok" | "warning" | "failure" | "skipped";

/** What a check saw. */
export interface Seen {
  readonly verdict: Exclude<Verdict, "failure">;
  readonly text: string;
  readonly hint?: string;
  /** For programs, beside the text. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export function fine(text: string, facts: Seen["facts"] = {}): Seen {
  return { verdict: "ok", text, facts };
}

/** It works, and could be better. */
export function warning(text: string, hint: string, facts: Seen["facts"] = {}): Seen {
  return { verdict: "warning", text, hint, facts };
}

/** It could not be looked at, and why. */
export function skipped(text: string): Seen {
  return { verdict: "skipped", text };
}

const VERDICT_COLUMNS = 8;
const SUBJECT_COLUMNS = 15;

export class Diagnosis {
  readonly #isJson: boolean;
  readonly #counts = { ok: 0, warning: 0, failure: 0, skipped: 0 };
  readonly #statuses: number[] = [];

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  /**
   * Looks at one thing and tells what was seen.
   *
   * @returns whether what builds on it can be looked at
   * @throws FtpxError INTERRUPTED
   */
  async look(subject: string, check: () => Promise<Seen> | Seen): Promise<boolean> {
    try {
      const seen = await check();
      this.#tell(subject, seen.verdict, { text: seen.text, hint: seen.hint }, seen.facts);
      return seen.verdict !== "skipped";
    } catch (error) {
      if (isKind(error, "INTERRUPTED")) throw error;
      const { message, hint, path, event: _event, ...facts } = failureFacts(error);
      const text = [path, message].filter((part) => typeof part === "string").join(": ");
      const told = { text, hint: typeof hint === "string" ? hint : undefined };
      this.#tell(subject, "failure", told, facts);
      this.#statuses.push(exitStatusOf(error));
      return false;
    }
  }

  /** @returns the exit status: that of the worst failure; warnings have none */
  finish(): number {
    const status = worstStatus(this.#statuses);
    const { ok, warning: warnings, failure: failures, skipped: skips } = this.#counts;
    if (this.#isJson) {
      writeJson({ event: "diagnosed", ok, warnings, failures, skipped: skips, exit: status });
      return status;
    }
    const counts = [
      ...(failures > 0 ? [formatCount(failures, "failure")] : []),
      ...(warnings > 0 ? [formatCount(warnings, "warning")] : []),
    ];
    writeLine(`\n${counts.length === 0 ? "nothing wrong" : counts.join(", ")}`);
    return status;
  }

  #tell(
    subject: string,
    verdict: Verdict,
    { text, hint }: { readonly text: string; readonly hint: string | undefined },
    facts: Seen["facts"] = {},
  ): void {
    this.#counts[verdict] += 1;
    if (this.#isJson) {
      const told = hint === undefined ? { text } : { text, hint };
      writeJson({ event: "examined", subject, verdict, ...told, ...facts });
      return;
    }
    const { green, yellow, red, dim } = coloursOf(process.stdout);
    const paint = { ok: green, warning: yellow, failure: red, skipped: dim }[verdict];
    const head = paint(verdict.padEnd(VERDICT_COLUMNS));
    writeLine(`${head} ${subject.padEnd(SUBJECT_COLUMNS)} ${visible(text)}`);
    const indent = " ".repeat(VERDICT_COLUMNS + SUBJECT_COLUMNS + 2);
    if (hint !== undefined) writeLine(dim(`${indent}hint: ${visible(hint)}`));
  }
}
