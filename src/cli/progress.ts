/**
 * Progress of the files that are being copied: each one and all together.
 *
 * `Board` is the pure part: what is known at a time, as lines for a width or as events.
 * `Progress` asks it ten times a second and shows the answer: live lines on a terminal,
 * else a line now and then for a file that takes long, or JSON events on stdout. Each
 * file ends in one line on stdout, its receipt.
 */
import { formatDigest } from "../base/digest.ts";
import type { FileDigest } from "../base/digest.ts";
import { Meter } from "../base/meter.ts";
import { formatDuration, formatRate, formatSize } from "../base/units.ts";
import { visible } from "./escaping.ts";
import { fitRows, shorten } from "./layout.ts";
import type { Row } from "./layout.ts";
import { isScreen, repaint, showLive, writeJson, writeLine, writeNote } from "./terminal.ts";

const PAINT_EVERY_MS = 100;

/** Without a terminal a long file is mentioned so often. */
const MENTION_EVERY_MS = 10_000;

const FILES_SHOWN_MAX = 8;

interface FileName {
  /** For a person. */
  readonly label: string;
  /** For a script: the path on the server, exact. */
  readonly path: string;
  /** Undefined until the other side has said it. */
  readonly totalBytes: number | undefined;
}

interface Receipt {
  readonly bytes: number;
  readonly digest: FileDigest;
  readonly resumedAt: number;
  readonly elapsedMs: number;
  /** Nothing was moved, because it was there to the last byte. */
  readonly wasThere?: boolean;
}

class FileState {
  readonly name: FileName;
  readonly meter: Meter;
  totalBytes: number | undefined;
  doneBytes = 0;
  hasBegun = false;
  toldMs: number;
  toldBytes = -1;

  constructor(name: FileName, nowMs: number) {
    this.name = name;
    this.totalBytes = name.totalBytes;
    this.meter = new Meter(nowMs);
    this.toldMs = nowMs;
  }
}

/** All files of one command, as they are at the time that `now` tells in milliseconds. */
export class Board {
  readonly #now: () => number;
  readonly #count: number;
  readonly #expectedBytes: number | undefined;
  readonly #active = new Set<FileState>();
  readonly #meter: Meter;
  #endedCount = 0;
  #endedBytes = 0;

  /** @param expectedBytes of all files together, where that is known */
  constructor(now: () => number, count: number, expectedBytes: number | undefined) {
    this.#now = now;
    this.#count = count;
    this.#expectedBytes = expectedBytes;
    this.#meter = new Meter(now());
  }

  begin(name: FileName): FileState {
    const file = new FileState(name, this.#now());
    this.#active.add(file);
    return file;
  }

  /** What an earlier attempt had moved comes with the first update and counts for no rate. */
  update(file: FileState, doneBytes: number, totalBytes: number): void {
    const grown = doneBytes - file.doneBytes;
    if (file.hasBegun && grown > 0) this.#moved(file, grown);
    file.hasBegun = true;
    file.doneBytes = doneBytes;
    file.totalBytes = totalBytes;
  }

  /** @param receipt nothing when the file failed */
  end(file: FileState, receipt: Receipt | undefined): void {
    this.#active.delete(file);
    this.#endedCount += 1;
    this.#endedBytes += receipt?.bytes ?? file.totalBytes ?? 0;
    // A small file goes out in one piece, which no update told apart from an old one.
    const moved = receipt === undefined ? 0 : receipt.bytes - receipt.resumedAt;
    if (moved > file.meter.bytes) this.#meter.add(moved - file.meter.bytes);
  }

  /** Lines for a terminal, each of less than `columns` columns, at most `rows` of them. */
  lines(columns: number, rows: number): string[] {
    const nowMs = this.#now();
    const shownMax = Math.max(1, Math.min(FILES_SHOWN_MAX, rows - 2));
    const active = [...this.#active];
    const shown: Row[] = active.slice(0, shownMax).map((file) => rowOf(file, nowMs));
    const hasTotal = this.#count > 1;
    const lines = fitRows(hasTotal ? [...shown, this.#totalRow(nowMs)] : shown, columns);
    const hidden = active.length - shownMax;
    if (hidden > 0) lines.splice(shownMax, 0, shorten(`… and ${hidden} more`, columns - 1));
    return lines.slice(-rows);
  }

  /** Lines about files that take long, each file once in MENTION_EVERY_MS. */
  mentions(): string[] {
    const nowMs = this.#now();
    const due = [...this.#active].filter(({ toldMs }) => nowMs - toldMs >= MENTION_EVERY_MS);
    return due.map((file) => {
      file.toldMs = nowMs;
      const [facts = ""] = factsOf(file, nowMs);
      return [visible(file.name.label), facts.trim().replace(/ {3,}/g, "  ")].join("  ");
    });
  }

  /** The event to tell now: of the files that moved, the one that was told of longest ago. */
  event(): Readonly<Record<string, unknown>> | undefined {
    const nowMs = this.#now();
    const moved = [...this.#active].filter(({ doneBytes, toldBytes }) => doneBytes !== toldBytes);
    const [file] = moved.toSorted((a, b) => a.toldMs - b.toldMs);
    if (file === undefined) return undefined;
    file.toldMs = nowMs;
    file.toldBytes = file.doneBytes;
    const { doneBytes, totalBytes, name } = file;
    const rate = file.meter.rate(nowMs);
    const bytesPerSecond = rate === undefined ? undefined : Math.round(rate);
    const secondsLeft = secondsOf(etaMs(file, nowMs));
    return {
      event: "progress",
      path: name.path,
      bytes: doneBytes,
      totalBytes,
      bytesPerSecond,
      secondsLeft,
    };
  }

  #moved(file: FileState, bytes: number): void {
    file.meter.add(bytes);
    this.#meter.add(bytes);
  }

  #totalRow(nowMs: number): Row {
    const active = [...this.#active];
    const doneBytes = active.reduce((sum, file) => sum + file.doneBytes, this.#endedBytes);
    const all = { doneBytes, totalBytes: this.#expectedBytes, meter: this.#meter };
    const name = `${this.#endedCount} of ${this.#count} files`;
    return { name, variants: factsOf(all, nowMs), share: shareOf(all) };
  }
}

interface Moving {
  readonly doneBytes: number;
  readonly totalBytes: number | undefined;
  readonly meter: Meter;
}

/** `a.iso  12.4 GB  sha256:…-1483  41.0 s  302 MB/s` */
export function receiptLine(label: string, receipt: Receipt): string {
  const { bytes, digest, elapsedMs, resumedAt, wasThere } = receipt;
  const rate = ((bytes - resumedAt) / Math.max(1, elapsedMs)) * 1000;
  const facts = [
    formatSize(bytes),
    formatDigest(digest),
    formatDuration(elapsedMs),
    wasThere === true ? "was there already" : formatRate(rate),
  ];
  return [visible(label), ...facts].join("  ");
}

export function receiptEvent(path: string, receipt: Receipt): Readonly<Record<string, unknown>> {
  const { bytes, digest, resumedAt, elapsedMs, wasThere } = receipt;
  const seconds = secondsOf(elapsedMs);
  const there = wasThere === true ? { wasThere } : {};
  return { event: "done", path, bytes, digest: formatDigest(digest), resumedAt, seconds, ...there };
}

function rowOf(file: FileState, nowMs: number): Row {
  const variants = factsOf(file, nowMs);
  return { name: visible(file.name.label), variants, share: shareOf(file) };
}

/** What there is to say beside the name, from everything to nothing, in columns that line up. */
function factsOf(moving: Moving, nowMs: number): string[] {
  const { doneBytes, totalBytes } = moving;
  const of = totalBytes === undefined ? "" : ` / ${formatSize(totalBytes)}`;
  const size = `${formatSize(doneBytes)}${of}`.padStart(17);
  const share = shareOf(moving);
  const percent = (share === undefined ? "" : `${Math.floor(share * 100)}%`).padStart(4);
  const perSecond = moving.meter.rate(nowMs);
  const rate = (perSecond === undefined ? "" : formatRate(perSecond)).padStart(9);
  const leftMs = etaMs(moving, nowMs);
  const eta = (leftMs === undefined ? "" : `ETA ${formatEta(leftMs)}`).padEnd(14);
  return [
    [size, percent, rate, eta].join("  "),
    [percent, rate, eta].join("  "),
    [percent, rate].join("  "),
    percent,
    "",
  ];
}

function shareOf({ doneBytes, totalBytes }: Moving): number | undefined {
  if (totalBytes === undefined) return undefined;
  return totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
}

function etaMs(moving: Moving, nowMs: number): number | undefined {
  const { doneBytes, totalBytes, meter } = moving;
  const rate = meter.rate(nowMs);
  if (totalBytes === undefined || rate === undefined || rate < 1) return undefined;
  return (Math.max(0, totalBytes - doneBytes) / rate) * 1000;
}

/** In whole seconds: tenths only flicker. */
function formatEta(leftMs: number): string {
  const seconds = Math.ceil(leftMs / 1000);
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000);
}

function secondsOf(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.round(durationMs) / 1000;
}

/** Shows a Board, for as long as the command runs. */
export class Progress {
  readonly #board: Board;
  readonly #isJson: boolean;
  readonly #end: () => void;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(isJson: boolean, count: number, expectedBytes: number | undefined) {
    this.#board = new Board(() => performance.now(), count, expectedBytes);
    this.#isJson = isJson;
    const isLive = !isJson && isScreen(process.stderr);
    this.#end = isLive ? showLive((columns, rows) => this.#board.lines(columns, rows)) : () => {};
    this.#timer = setInterval(() => (isLive ? repaint() : this.#tell()), PAINT_EVERY_MS);
  }

  begin(name: FileName): FileProgress {
    const board = this.#board;
    const file = board.begin(name);
    return {
      update: (doneBytes, totalBytes) => board.update(file, doneBytes, totalBytes),
      done: (receipt) => {
        board.end(file, receipt);
        if (this.#isJson) writeJson(receiptEvent(name.path, receipt));
        else writeLine(receiptLine(name.label, receipt));
      },
      failed: () => board.end(file, undefined),
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#end();
  }

  #tell(): void {
    const event = this.#isJson ? this.#board.event() : undefined;
    if (event !== undefined) writeJson(event);
    if (!this.#isJson) for (const line of this.#board.mentions()) writeNote(line);
  }
}

/** One file's part in it; ends with `done` or `failed`. */
export interface FileProgress {
  update(doneBytes: number, totalBytes: number): void;
  done(receipt: Receipt): void;
  failed(): void;
}
