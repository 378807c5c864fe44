/**
 * In the place of a ChunkDigester where all digests are known: counts what goes by, and says the
 * digest of each chunk as its last byte does.
 */
import { CHUNK_BYTES } from "../base/limits.ts";

export class KnownChunks {
  /** From the first one on that goes by. */
  readonly #digests: readonly Uint8Array[];
  readonly #firstChunk: number;
  readonly #onChunk: (index: number, digest: Uint8Array) => void;
  #toldCount = 0;
  #passedBytes = 0;

  constructor(
    digests: readonly Uint8Array[],
    firstChunk: number,
    onChunk: (index: number, digest: Uint8Array) => void,
  ) {
    this.#digests = digests.slice(firstChunk);
    this.#firstChunk = firstChunk;
    this.#onChunk = onChunk;
  }

  update(bytes: Uint8Array): void {
    this.pass(bytes.byteLength);
  }

  pass(bytes: number): void {
    this.#passedBytes += bytes;
    while ((this.#toldCount + 1) * CHUNK_BYTES <= this.#passedBytes) {
      const digest = this.#digests[this.#toldCount];
      if (digest !== undefined) this.#onChunk(this.#firstChunk + this.#toldCount, digest);
      this.#toldCount += 1;
    }
  }

  finish(): Uint8Array[] {
    return [...this.#digests];
  }
}
