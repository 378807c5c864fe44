/**
 * Buffers of one size that are used again. Fresh memory is dear: the first touch of
 * every page is a fault, and what a socket hands out lives until the collector runs;
 * so received content is copied into these and let go at once.
 */
const BUFFER_BYTES = 256 * 1024;

/** Free buffers that are kept while there is much to do; more are left to the collector. */
const KEPT_MAX = 256;
/** What stays when there is nothing to do. */
const KEPT_MIN = 64;
const TRIM_EVERY_MS = 10_000;

const kept: Uint8Array[] = [];
let trimming: Timer | undefined;

/** Free ones, at this moment. */
export function keptBuffers(): number {
  return kept.length;
}

export function takeBuffer(): Uint8Array {
  return kept.pop() ?? new Uint8Array(BUFFER_BYTES);
}

/** The caller must not touch it afterwards. */
export function giveBuffer(buffer: Uint8Array): void {
  if (kept.length >= KEPT_MAX) return;
  kept.push(buffer);
  if (kept.length > KEPT_MIN) trimming ??= trimLater();
}

function trimLater(): Timer {
  return setTimeout(trim, TRIM_EVERY_MS).unref();
}

/** Half of what was not needed at this moment, again and again. */
function trim(): void {
  kept.length = Math.min(kept.length, Math.max(KEPT_MIN, kept.length >> 1));
  trimming = kept.length > KEPT_MIN ? trimLater() : undefined;
}
