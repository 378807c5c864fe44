/**
 * Sizes, durations, rates and counts as people write and read them.
 *
 * What is typed: a bare letter and KiB, MiB, … count in powers of 1024, as rsync and
 * lftp take them (`10M` is 10 MiB); kB, MB, … count in powers of 1000. Case does not
 * matter, and the unit is always bytes, never bits. What is shown: powers of 1000.
 *
 * Everything here is pure. Numbers are whole bytes and milliseconds, and safe
 * integers; colours, columns and control characters are left to cli/.
 */
import { FtpxError } from "./errors.ts";

const SIZE = /^(\d{1,16})(?:\.(\d{1,9}))?\s*(?:([kmgtp])(i?b)?|b)?$/i;
const SIZE_LETTERS = "kmgtp";
const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL_UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

const DURATION = /^(\d{1,16})(?:\.(\d{1,9}))?\s*(ms|s|min|m|h|d)?$/i;
const UNIT_MS = new Map<string, bigint>([
  ["ms", 1n],
  ["s", 1000n],
  ["m", 60_000n],
  ["min", 60_000n],
  ["h", 3_600_000n],
  ["d", 86_400_000n],
]);

/** A refused text may be anything, and as long as somebody likes. */
const QUOTED_CHARACTERS_MAX = 64;

function refuseUsage(reason: string): never {
  throw new FtpxError("USAGE", { reason });
}

/**
 * Bytes meant by "10 GiB", "1.5TiB", "500 MB", "10M" or "100000". A fraction needs a
 * unit and is cut down to whole bytes.
 *
 * @param refuse says what is wrong with the text
 * @throws FtpxError USAGE, unless `refuse` throws something else
 */
export function parseSize(text: string, refuse: (reason: string) => never = refuseUsage): number {
  const parts = SIZE.exec(text.trim());
  const [, whole = "", fraction = "", letter = "", suffix = ""] = parts ?? [];
  if (parts === null || (fraction !== "" && letter === "")) {
    return refuse(`${quote(text)} is not a size (write 10 GiB, 500 MB or 100000)`);
  }
  const step = suffix.toLowerCase() === "b" ? 1000n : 1024n;
  const power = SIZE_LETTERS.indexOf(letter.toLowerCase()) + 1;
  const bytes = scale(whole, fraction, letter === "" ? 1n : step ** BigInt(power));
  return bytes ?? refuse(`${quote(text)} is too large for a size`);
}

/** Three digits for a person, in powers of 1000: "999 B", "12.4 GB", "302 MB". */
export function formatSize(bytes: number): string {
  let value = bytes;
  let index = 0;
  // From 999.5 on, rounding would write "1000".
  while (value >= 999.5 && index < DECIMAL_UNITS.length - 1) {
    value /= 1000;
    index += 1;
  }
  const digits = index === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${DECIMAL_UNITS[index]}`;
}

/** The same number of bytes for `parseSize`: "10 GiB" where that is exact, else "100000". */
export function formatQuota(bytes: number): string {
  let value = bytes;
  let index = 0;
  while (value > 0 && value % 1024 === 0 && index < BINARY_UNITS.length - 1) {
    value /= 1024;
    index += 1;
  }
  return index === 0 ? `${bytes}` : `${value} ${BINARY_UNITS[index]}`;
}

/** "1 file", "2 files". */
export function formatCount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** "302 MB/s". */
export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`;
}

/**
 * Milliseconds meant by "250ms", "30s", "5m", "2h" or "7d"; a plain number is seconds.
 *
 * @throws FtpxError USAGE
 */
export function parseDuration(text: string): number {
  const parts = DURATION.exec(text.trim());
  if (parts === null) {
    return refuseUsage(`${quote(text)} is not a duration (write 30s, 5m, 2h or 7d)`);
  }
  const [, whole = "", fraction = "", unit = "s"] = parts;
  const durationMs = scale(whole, fraction, UNIT_MS.get(unit.toLowerCase()) ?? 1n);
  return durationMs ?? refuseUsage(`${quote(text)} is too long for a duration`);
}

/** "350 ms", "41.0 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"; a second part of 0 is left out. */
export function formatDuration(durationMs: number): string {
  // Each bound lies where rounding would reach the next unit: never "1000 ms" or "60.0 s".
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  if (durationMs < 3_599_500) return formatPair(durationMs / 1000, 60, "min", "s");
  if (durationMs < 86_370_000) return formatPair(durationMs / 60_000, 60, "h", "min");
  return formatPair(durationMs / 3_600_000, 24, "d", "h");
}

function formatPair(smalls: number, perLarge: number, large: string, small: string): string {
  const total = Math.round(smalls);
  const rest = total % perLarge;
  const head = `${Math.floor(total / perLarge)} ${large}`;
  return rest === 0 ? head : `${head} ${rest} ${small}`;
}

/** `whole.fraction` times the unit, cut down; nothing when that is no safe integer. */
function scale(whole: string, fraction: string, unit: bigint): number | undefined {
  const value = (BigInt(whole + fraction) * unit) / 10n ** BigInt(fraction.length);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, QUOTED_CHARACTERS_MAX));
}

/** A whole number above 0. @throws FtpxError USAGE */
export function parseCount(text: string): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (count < 1) refuseUsage(`"${text}" is not a whole number above 0`);
  return count;
}
