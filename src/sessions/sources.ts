/**
 * How often each source of strangers has asked within the last hour: what one address may do
 * with many connections.
 *
 * A source is an IPv4 address or the network of an IPv6 one (its first 64 bits), because whoever
 * has one address of such a network has all of them. Kept in memory, for a bounded number of
 * sources.
 */
import { FtpxError } from "../base/errors.ts";
import { REGISTRATIONS_HOUR_MAX, SOURCES_MAX } from "../base/limits.ts";

const HOUR_MS = 3_600_000;

export class Sources {
  /** When each asked, the earliest first; who asked last stands last. */
  readonly #asked = new Map<string, readonly number[]>();

  get size(): number {
    return this.#asked.size;
  }

  /** Notes that a source asks. @throws FtpxError REGISTERED_OFTEN with the time to wait */
  note(source: string, nowMs: number): void {
    const recent = (this.#asked.get(source) ?? []).filter((askedMs) => nowMs - askedMs < HOUR_MS);
    const [earliestMs = nowMs] = recent;
    if (recent.length >= REGISTRATIONS_HOUR_MAX) {
      const retryAfterMs = Math.ceil(earliestMs + HOUR_MS - nowMs);
      throw new FtpxError("REGISTERED_OFTEN", { limit: REGISTRATIONS_HOUR_MAX, retryAfterMs });
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
