/**
 * Which faults a connection meets: drawn by chance over the whole life of a transfer, the
 * handshake, the sign-in, its content and its last bytes, in both directions.
 */
import type { Chance } from "../support/chance.ts";
import type { Fault, Way } from "./lines-lane.ts";

/** What a connection costs before its content begins, about; without TLS not less than that. */
const GREETING_BYTES: Readonly<Record<"tls" | "plain", Readonly<Record<Way, number>>>> = {
  tls: { toServer: 1700, toClient: 2300 },
  plain: { toServer: 420, toClient: 250 },
};

/** Requests and replies of a transfer, about. */
const AROUND_BYTES = 400;

/** Acknowledgements beside a content of so many bytes, about. */
const BESIDE_SHARE = 1 / 20_000;

export interface Traffic {
  readonly direction: "put" | "get";
  readonly bytes: number;
  /** Without TLS, where only checks and digests find a flipped bit. */
  readonly isPlain: boolean;
  /** Of the connection, from 0 on. */
  readonly index: number;
}

/** Connections without any fault, of a hundred. */
const SMOOTH_PERCENT = 15;

/** First connections that at least get through sign-in; without one a command has not begun. */
const GREETED_PERCENT = 85;

/** Faults that are flipped bits, of a hundred. */
const FLIPS = 20;

export function drawPlan(chance: Chance, traffic: Traffic): Fault[] {
  const isGreeted = traffic.index === 0 && chance.percent(GREETED_PERCENT);
  if (chance.percent(SMOOTH_PERCENT)) return [];
  return Array.from({ length: chance.between(1, 4) }, () => drawFault(chance, traffic, isGreeted));
}

function drawFault(
  chance: Chance,
  { direction, bytes, isPlain }: Traffic,
  isGreeted: boolean,
): Fault {
  const kind = chance.below(100);
  const contentWay = direction === "put" ? "toServer" : "toClient";
  const way = chance.pick<Way>(["toServer", "toClient"]);
  const greetingBytes = GREETING_BYTES[isPlain ? "plain" : "tls"][way];
  const passing = Math.ceil(way === contentWay ? bytes : bytes * BESIDE_SHARE);
  const at = { way, atByte: drawPlace(chance, greetingBytes, passing + AROUND_BYTES, !isGreeted) };
  if (kind < FLIPS) return { ...at, kind: "flip", bit: chance.below(8) };
  if (kind < 45) return { ...at, kind: "reset" };
  if (kind < 65) return { ...at, kind: "finish" };
  if (kind < 82) return { ...at, kind: "dribble", bytes: chance.between(1, 800) };
  if (kind < 97) return { ...at, kind: "stall", forMs: chance.between(50, 1500) };
  return { ...at, kind: "strand" };
}

/** Beginnings and ends come more often than they would. */
function drawPlace(
  chance: Chance,
  greetingBytes: number,
  passing: number,
  mayBeEarly: boolean,
): number {
  const part = chance.below(10);
  if (part < 2 && mayBeEarly) return chance.below(greetingBytes);
  if (part < 5) return greetingBytes + Math.max(0, passing - chance.below(AROUND_BYTES));
  return greetingBytes + chance.below(passing);
}
