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

/** @param address as a socket tells it, without the `::ffff:` of a mapped IPv4 address */
export function sourceOf(address: string): string {
  if (!address.includes(":")) return address;
  const [plain = ""] = address.split("%", 1);
  const [head = "", tail] = plain.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    // A dotted IPv4 address at the end stands for two groups; it is behind the network.
    const rest = tail === "" ? [] : tail.replace(/\d+\.\d+\.\d+\.\d+$/, "0:0").split(":");
    const missing = Math.max(0, 8 - groups.length - rest.length);
    groups.push(...Array.from({ length: missing }, () => "0"), ...rest);
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}
