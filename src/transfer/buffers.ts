/**
 * Buffers of one size that are used again. Fresh memory is dear: the first touch of
 * every page is a fault, and what a socket hands out lives until the collector runs;
 * so received content is copied into these and let go at once.
 */
const BUFFER_BYTES = 256 * 1024;

/** Free buffers that are kept; more are left to the collector. */
const KEPT_MAX = 64;

const kept: Uint8Array[] = [];

export function takeBuffer(): Uint8Array {
  return kept.pop() ?? new Uint8Array(BUFFER_BYTES);
}

/** The caller must not touch it afterwards. */
export function giveBuffer(buffer: Uint8Array): void {
  if (kept.length < KEPT_MAX) kept.push(buffer);
}
