/**
 * The chunk digests of files that were uploaded or sent not long ago, so that a file which many
 * fetch is digested once. A digest is of one version of one file: device, inode, size, mtime and
 * ctime, of which no user can set the last.
 *
 * What is sent is proved by what came or was read first: content that the disk has damaged since
 * then is refused by whoever receives it.
 */
import { ALGORITHMS, chunksOf } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import type { FileFacts, OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES, DIGEST_MEMORY_BYTES_MAX, HELD_BYTES_EACH } from "../base/limits.ts";

type Seen = Pick<FileFacts, "bytes" | "version" | "device">;

export class DigestMemory {
  readonly #bytesMax: number;
  /** One behind the other, which was asked for last standing last. */
  readonly #packed = new Map<string, Uint8Array>();
  #heldBytes = 0;

  constructor(bytesMax = DIGEST_MEMORY_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Of all chunks, in their order. */
  find(seen: Seen, algorithm: Algorithm): Uint8Array[] | undefined {
    const key = keyOf(seen, algorithm);
    const packed = this.#packed.get(key);
    if (packed === undefined) return undefined;
    this.#packed.delete(key);
    this.#packed.set(key, packed);
    const { digestBytes } = ALGORITHMS[algorithm];
    return Array.from({ length: packed.byteLength / digestBytes }, (_hole, index) =>
      packed.subarray(index * digestBytes, (index + 1) * digestBytes),
    );
  }

  /** A file of one chunk is digested sooner than it is looked for. */
  keep(seen: Seen, algorithm: Algorithm, digests: readonly Uint8Array[]): void {
    if (seen.bytes <= CHUNK_BYTES || digests.length !== chunksOf(seen.bytes)) return;
    const key = keyOf(seen, algorithm);
    const packed = new Uint8Array(Buffer.concat(digests));
    this.#forget(key);
    this.#packed.set(key, packed);
    this.#heldBytes += costOf(packed);
    for (const oldest of this.#packed.keys()) {
      if (this.#heldBytes <= this.#bytesMax) return;
      this.#forget(oldest);
    }
  }

  /**
   * The same, of a file that was just put in its place, and the digests are of what it was
   * before; never throws, because nobody waits for it.
   *
   * @param content as FileFacts has it, from before
   */
  async keepPublished(
    file: OpenFile,
    content: string,
    algorithm: Algorithm,
    digests: readonly Uint8Array[],
  ): Promise<void> {
    const facts = await file.facts().catch(() => undefined);
    // Somebody may write to it as soon as it has its name.
    if (facts?.content !== content) return;
    // A write sets both times to one: where they are one, it may look as if it had not been.
    if (facts.modifiedMs !== facts.changedMs) this.keep(facts, algorithm, digests);
  }

  #forget(key: string): void {
    const packed = this.#packed.get(key);
    if (packed === undefined) return;
    this.#packed.delete(key);
    this.#heldBytes -= costOf(packed);
  }
}

function keyOf({ device, version }: Seen, algorithm: Algorithm): string {
  return `${device}/${version}/${algorithm}`;
}

function costOf(packed: Uint8Array): number {
  return packed.byteLength + HELD_BYTES_EACH;
}
