/**
 * Where the server's events go: the audit file as JSON lines, and stdout as JSON lines
 * or as lines for a person.
 */
import { constants } from "node:fs";
import { OpenFile } from "../base/openfile.ts";
import { formatEvent } from "../base/events.ts";
import type { EventSink, ServerEvent } from "../base/events.ts";
import { encodeText } from "../base/bytes.ts";
import { formatSize } from "../base/units.ts";
import { visible, writeLine } from "./terminal.ts";

export class Reporter {
  readonly #isJson: boolean;
  readonly #audit: OpenFile;
  #auditBytes: number;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  private constructor(audit: OpenFile, auditBytes: number, isJson: boolean) {
    this.#audit = audit;
    this.#auditBytes = auditBytes;
    this.#isJson = isJson;
  }

  /** @throws FtpxError NO_PERMISSION, … */
  static async open(auditFile: string, isJson: boolean): Promise<Reporter> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;
    const audit = await OpenFile.open(auditFile, flags, 0o600);
    const { bytes } = await audit.facts();
    return new Reporter(audit, bytes, isJson);
  }

  readonly emit: EventSink = (event) => {
    const line = formatEvent(event, new Date());
    writeLine(this.#isJson ? line : personLine(event));
    this.#waiting.push(`${line}\n`);
    this.#writing ??= this.#writeAll();
  };

  async close(): Promise<void> {
    await this.#writing;
    await this.#audit.close();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const bytes = encodeText(this.#waiting.splice(0).join(""));
        await this.#audit.write([bytes], this.#auditBytes);
        this.#auditBytes += bytes.byteLength;
      }
    } catch {
      // A full disk must not stop the service; the lines went to stdout too.
      this.#waiting = [];
    } finally {
      this.#writing = undefined;
    }
  }
}

const SIZE_FIELD = /^bytes$|Bytes$/;

function personLine({ event, user, address, ...fields }: ServerEvent): string {
  const time = new Date().toTimeString().slice(0, 8);
  const words = [time, event.padEnd(13), user ?? "-", address ?? ""];
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || field === "door" || field === "session") continue;
    const isSize = typeof value === "number" && SIZE_FIELD.test(field);
    words.push(`${field}=${isSize ? formatSize(value) : String(value)}`);
  }
  return visible(words.filter((word) => word !== "").join("  "));
}
