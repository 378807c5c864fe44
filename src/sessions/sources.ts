/**
 * How often each source has asked within the last hour: what one address may do with many
 * connections, or one account with many sessions.
 *
 * A source is an IPv4 address or the network of an IPv6 one (its first 64 bits), because whoever
 * has one address of such a network has all of them. Kept in memory, for a bounded number of
 * sources.
 */
import { FtpxError } from "../base/errors.ts";
import type { ErrorKind } from "../base/errors.ts";
import { REGISTRATIONS_HOUR_MAX, SOURCES_MAX } from "../base/limits.ts";

const HOUR_MS = 3_600_000;

export class Sources {
  readonly #kind: ErrorKind;
  readonly #hourMax: number;
  /** When each asked, the earliest first; who asked last stands last. */
  readonly #asked = new Map<string, readonly number[]>();

  /** @param kind what a source hears that asks too often */
  constructor(kind: ErrorKind = "REGISTERED_OFTEN", hourMax = REGISTRATIONS_HOUR_MAX) {
    this.#kind = kind;
    this.#hourMax = hourMax;
  }

  get size(): number {
    return this.#asked.size;
  }

  /** Notes that a source asks. @throws FtpxError of its kind with the time to wait */
  note(source: string, nowMs: number): void {
    const recent = (this.#asked.get(source) ?? []).filter((askedMs) => nowMs - askedMs < HOUR_MS);
    const [earliestMs = nowMs] = recent;
    if (recent.length >= this.#hourMax) {
      const retryAfterMs = Math.ceil(earliestMs + HOUR_MS - nowMs);
      throw new FtpxError(this.#kind, { limit: this.#hourMax, retryAfterMs });
    }
    this.#asked.delete(source);
    if (this.#asked.size >= SOURCES_MAX) {
      for (const silentLongest of this.#asked.keys()) {
        this.#asked.delete(silentLongest);
        break;
      }
    }
    this.#asked.set(source, [...recent, nowMs]);
  }

  /** What was noted at that time does not count after all. */
  forgive(source: string, askedMs: number): void {
    const asked = this.#asked.get(source);
    if (asked === undefined) return;
    const index = asked.indexOf(askedMs);
    const rest = asked.toSpliced(index, index < 0 ? 0 : 1);
    if (rest.length === 0) this.#asked.delete(source);
    else this.#asked.set(source, rest);
  }
}

/**
 * Who an address belongs to, as far as counting goes. What stands for an IPv4 address in IPv6 is
 * that one: else all of IPv4 would be one source where a translator stands before the server.
 *
 * @param address as a socket tells it
 */
export function sourceOf(address: string): string {
  if (!address.includes(":")) return address;
  const [plain = ""] = address.toLowerCase().split("%", 1);
  const groups = groupsOf(plain);
  const prefix = groups.slice(0, 6).join(":");
  if (TRANSLATED.has(prefix)) return dotted(groups[6] ?? 0, groups[7] ?? 0);
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(":")}::/64`;
}

/** `::ffff:0:0/96` (RFC 4291) and `64:ff9b::/96` (RFC 6052), the groups as decimal numbers. */
const TRANSLATED: ReadonlySet<string> = new Set([
  [0, 0, 0, 0, 0, 0xffff].join(":"),
  [0x64, 0xff9b, 0, 0, 0, 0].join(":"),
]);

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = "", tail] = hex.split("::", 2);
  const before = head === "" ? [] : head.split(":");
  const behind = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - behind.length) }, () => "0");
  return [...before, ...zeros, ...behind].map((group) => Number.parseInt(group, 16));
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
