/**
 * What a resumed upload holds is read back and compared with the journal, behind the content
 * that comes in: a disk, a crash or a hand may have changed it since it was proved. Nothing
 * is published before that has ended.
 */
import { isSameBytes } from "../base/bytes.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import { CHUNK_BYTES } from "../base/limits.ts";
import type { OpenFile } from "../base/openfile.ts";
import type { State, UploadRow } from "../state/contract.ts";
import type { Digests } from "../store/digests.ts";
import type { Parts } from "../store/store.ts";

export interface HeldGround {
  readonly state: State;
  readonly digests: Digests;
}

/** A source that no client has: what is left of the part is compared with whatever comes next. */
export const NO_SOURCE = new Uint8Array(0);

/** Chunks that are digested in one job: others who want a digest wait no longer than for that. */
const JOB_CHUNKS = 16;

export class HeldCheck {
  readonly #stopping = new AbortController();
  /** The first chunk that is not what was proved; nothing when all are. */
  readonly #damaged: Promise<number | undefined>;
  #damagedChunk: number | undefined;
  #isSound = false;

  /**
   * Begins at once.
   *
   * @param file  stays open until `stop` has ended
   * @param found hears of damage, unless it was stopped before
   */
  constructor(
    ground: HeldGround,
    file: OpenFile,
    row: UploadRow,
    chunkCount: number,
    found: (failure: FtpxError) => void,
  ) {
    this.#damaged = this.#compare(ground, file, row, chunkCount);
    const tell = (damaged: number | undefined): void => {
      if (damaged === undefined || this.#stopping.signal.aborted) return;
      this.#damagedChunk = damaged;
      found(failureAt(damaged));
    };
    // Whoever commits hears of a failure; until then nobody may listen.
    this.#damaged.then(tell, () => {});
  }

  /** Waits for the end. @throws FtpxError CHUNK_DAMAGED, IO_FAILED */
  async demandSound(): Promise<void> {
    const damaged = await this.#damaged;
    if (damaged !== undefined) throw failureAt(damaged);
  }

  /** Whether everything was compared and found right. */
  get isSound(): boolean {
    return this.#isSound;
  }

  /** Held, and not what was proved, as `found` has heard. */
  get damagedChunk(): number | undefined {
    return this.#damagedChunk;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.#damaged]);
  }

  async #compare(
    { state, digests }: HeldGround,
    file: OpenFile,
    { id, algorithm }: UploadRow,
    chunkCount: number,
  ): Promise<number | undefined> {
    const { signal } = this.#stopping;
    for (let first = 0; first < chunkCount; first += JOB_CHUNKS) {
      const count = Math.min(JOB_CHUNKS, chunkCount - first);
      const kept = await state.digests(id, first, count);
      const found = await digests.chunks(file, algorithm, first, count, signal);
      const differs = kept.findIndex((digest, index) => !isSame(digest, found[index]));
      if (differs >= 0) return first + differs;
    }
    this.#isSound = true;
    return undefined;
  }
}

function failureAt(chunk: number): FtpxError {
  return new FtpxError("CHUNK_DAMAGED", { offset: chunk * CHUNK_BYTES });
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && isSameBytes(a, b);
}

/** What the next session that picks the part up is to know of it. */
export async function notePart(
  { state, known }: HeldGround & { readonly known: Map<string, string> },
  file: OpenFile,
  id: string,
  check: HeldCheck | undefined,
): Promise<void> {
  const damaged = check?.damagedChunk;
  if (damaged !== undefined) await state.keepChunks(id, damaged, NO_SOURCE);
  else if (check?.isSound !== false) known.set(id, (await file.facts()).version);
}

/** A row without its part: begin the part anew, the journal is put right by whoever opens it. */
export async function openHeld(parts: Parts, id: string): Promise<OpenFile> {
  try {
    return await parts.open(id);
  } catch (error) {
    if (isKind(error, "NO_SUCH_PATH")) return await parts.create(id);
    throw error;
  }
}
