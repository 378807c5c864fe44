/** Ways in which a stream may be cut into reads. */
import type { Chance } from "./chance.ts";

/** The stream in pieces that end at these places, which grow. */
export function cutAt(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places, stream.byteLength];
  return ends.map((end, index) => stream.slice(ends[index - 1] ?? 0, end));
}

export function byteByByte(stream: Uint8Array): Uint8Array[] {
  return Array.from(stream, (octet) => Uint8Array.of(octet));
}

/** Pieces of chance, small ones more often than large ones. */
export function cutByChance(stream: Uint8Array, chance: Chance): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < stream.byteLength;) {
    const most = chance.pick([1, 3, 12, 21, 100, stream.byteLength]);
    const piece = stream.slice(offset, offset + chance.between(1, Math.max(1, most)));
    pieces.push(piece);
    offset += piece.byteLength;
  }
  return pieces;
}
