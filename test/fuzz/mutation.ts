/**
 * Ways to spoil bytes: every small change of a few valid ones, and changes of chance of several
 * at once. Pure; what is done with the result is the fuzzers'.
 */
import type { Chance } from "../support/chance.ts";
import { joined, viewOf } from "../support/octets.ts";

/** What parsers stumble over in four bytes, around a bound of 4 KiB too. */
const LIES = [0, 1, 7, 8, 9, 0xff, 4096, 4097, 0x7fff_ffff, 0xffff_ffff] as const;
/** The same in eight (I7): -1, 2^31, 2^32, 2^53 and what is around it, 2^63. */
const LONG_LIES = [
  0xffff_ffff_ffff_ffffn,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
] as const;

/** Bits of what is at the front of a frame: any two of them flipped are two lies at once. */
const HEADER_BITS = 96;

/** How many `smallMutations` makes of so many bytes. */
export function smallMutationCount(byteCount: number): number {
  const bits = Math.min(HEADER_BITS, byteCount * 8);
  return byteCount * 255 + (bits * (bits - 1)) / 2 + 2 * byteCount;
}

/**
 * The nth of all inputs that differ from a valid one in one small thing: each byte is each other
 * value, which flips each bit; each two bits of the header are flipped; both ends are cut off
 * everywhere.
 */
export function smallMutation(valid: Uint8Array, index: number): Uint8Array {
  const { byteLength } = valid;
  if (index < byteLength * 255) {
    const other = valid.slice();
    const place = Math.floor(index / 255);
    other[place] = (valid[place] ?? 0) ^ ((index % 255) + 1);
    return other;
  }
  const rest = index - byteLength * 255;
  const cuts = 2 * byteLength;
  if (rest < cuts) return rest < byteLength ? valid.slice(0, rest) : valid.slice(rest - byteLength);
  // The pairs as a triangle: the second bit is below the first one.
  const pair = rest - cuts;
  const first = Math.floor((1 + Math.sqrt(1 + 8 * pair)) / 2);
  return flipped(flipped(valid, first), pair - (first * (first - 1)) / 2);
}

/** A few valid inputs behind one another, changed in up to three places. */
export function mutate(chance: Chance, corpus: readonly Uint8Array[]): Uint8Array {
  let input = joined(Array.from({ length: chance.between(1, 3) }, () => anyOf(corpus, chance)));
  for (let changes = chance.between(0, 3); changes > 0; changes -= 1) {
    input = changed(input, chance, corpus);
  }
  return input;
}

/** One change of chance. */
export function changed(
  input: Uint8Array<ArrayBuffer>,
  chance: Chance,
  corpus: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  if (input.byteLength === 0) return input;
  const place = chance.below(input.byteLength);
  switch (chance.below(10)) {
    case 0:
      return flipped(input, place * 8 + chance.below(8));
    case 1:
      return flipped(flipped(input, place * 8 + chance.below(8)), chance.below(input.length * 8));
    case 2:
    case 3: {
      const other = input.slice();
      other.set(chance.bytes(Math.min(chance.between(1, 2), other.byteLength - place)), place);
      return other;
    }
    case 4:
      return input.slice(0, place);
    case 5:
      return input.slice(place);
    case 6:
      return joined([input.subarray(0, place), anyOf(corpus, chance), input.subarray(place)]);
    case 7:
      // A stretch of it stands there twice, or not at all.
      return joined([input.subarray(0, place), input.subarray(chance.below(input.byteLength))]);
    default:
      return lying(input, place, chance);
  }
}

/** A length or an offset lies: that of the body of the first frame, or four or eight bytes of something else. */
function lying(
  input: Uint8Array<ArrayBuffer>,
  place: number,
  chance: Chance,
): Uint8Array<ArrayBuffer> {
  const other = input.slice();
  const { byteLength } = other;
  if (byteLength >= 12 && chance.percent(30)) viewOf(other).setUint32(8, chance.pick(LIES));
  else if (byteLength >= 8 && chance.percent(50)) {
    viewOf(other).setBigUint64(Math.min(place, byteLength - 8), chance.pick(LONG_LIES));
  } else if (byteLength >= 4) {
    viewOf(other).setUint32(Math.min(place, byteLength - 4), chance.pick(LIES));
  }
  return other;
}

function flipped(valid: Uint8Array, bit: number): Uint8Array<ArrayBuffer> {
  const other = new Uint8Array(valid);
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return other;
}

function anyOf(corpus: readonly Uint8Array[], chance: Chance): Uint8Array {
  return corpus[chance.below(corpus.length)] ?? new Uint8Array(0);
}
