/**
 * One upload of a client that says and sends what it is told to: any size, any source, content
 * up to any byte, a proof left out, a commit too early or with a wrong digest.
 */
import { parsePath } from "../../src/base/path.ts";
import type { FtpxError } from "../../src/base/errors.ts";
import { CHUNK_BYTES, CONTENT_BYTES_MAX } from "../../src/base/limits.ts";
import type { Client, ReplyOf, RequestOf, TransferListener } from "../../src/client/client.ts";
import { SendWindow } from "../../src/transfer/window.ts";
import { Difference, hear } from "./model-ground.ts";
import type { Heard } from "./model-ground.ts";
import { digestText, proofsOf } from "./model-sources.ts";
import type { Wish } from "./model-uploads.ts";
import { chunksIn } from "./model-world.ts";
import type { Part } from "./model-world.ts";

export class RawUpload implements TransferListener {
  readonly client: Client;
  readonly wish: Wish;
  id = 0;
  opened: ReplyOf<"openUpload"> | undefined;
  #window = new SendWindow(0, 0);

  constructor(client: Client, wish: Wish) {
    this.client = client;
    this.wish = wish;
  }

  get acknowledgedBytes(): number {
    return this.#window.acknowledgedOffset;
  }

  async open(): Promise<Heard> {
    const { declaredBytes: totalBytes, source, path, ...manner } = this.wish;
    const { modifiedMs, fingerprint } = source;
    const facts = { path: parsePath(path), totalBytes, modifiedMs, source: fingerprint };
    const { algorithm, isFresh, mayReplace } = manner;
    const request = { ...facts, algorithm, isFresh, mayReplace };
    return await hear(`opening ${path}`, this.#open(request));
  }

  notice(_name: string, value: unknown): void {
    this.#window.acknowledge((value as { offset: number }).offset);
  }

  failed(failure: FtpxError): void {
    this.#window.fail(failure);
  }

  /** Compares what is held with what the model knows of it, then keeps the first chunks. */
  async rewind(part: Part, kept: number): Promise<void> {
    const count = part.chunks.min;
    const request = { transfer: this.id, firstChunk: 0, count };
    const { digests } = await this.client.call("partDigests", request);
    const wanted = proofsOf(part.content, part.algorithm).chunks.slice(0, count);
    if (hexOf(digests) !== hexOf(wanted)) throw new Difference("other chunks are held");
    const source = this.wish.source.fingerprint;
    await this.client.call("rewind", { transfer: this.id, chunkCount: kept, source });
  }

  /**
   * Content and proofs between two offsets; a chunk that was already there is proved first.
   *
   * @returns chunks that are proved now
   */
  async send(
    heldChunks: number,
    fromOffset: number,
    toOffset: number,
    leavesProof: boolean,
  ): Promise<number> {
    const { source, algorithm } = this.wish;
    this.#window = new SendWindow(this.opened?.windowBytes ?? 0, fromOffset);
    const lastProof = chunksIn(toOffset) - (leavesProof ? 1 : 0);
    let proved = heldChunks;
    const prove = (offset: number) => {
      for (; proved < Math.min(chunksIn(offset), lastProof); proved += 1) {
        const digest = proofsOf(source, algorithm).chunks[proved] ?? new Uint8Array(0);
        this.client.notify(this.id, "proof", { index: proved, digest });
      }
    };
    prove(fromOffset);
    for (let offset = fromOffset; offset < toOffset;) {
      const toChunkEnd = CHUNK_BYTES - (offset % CHUNK_BYTES);
      const bytes = Math.min(CONTENT_BYTES_MAX, toChunkEnd, toOffset - offset);
      const frame = new Uint8Array(this.client.prefixBytes + bytes);
      frame.set(source.content.subarray(offset, offset + bytes), this.client.prefixBytes);
      await this.#window.claim(bytes);
      await this.client.sendContent(this.id, frame, offset, bytes);
      offset += bytes;
      prove(offset);
    }
    return proved;
  }

  async close(isDiscarded: boolean): Promise<void> {
    await this.client.call("closeTransfer", { transfer: this.id, isDiscarded });
  }

  async commit(isWrong: boolean): Promise<Heard> {
    const { source, algorithm, declaredBytes, path } = this.wish;
    const { bytes, chunks } = proofsOf(source, algorithm).whole;
    const digest = isWrong ? bytes.map((octet) => octet ^ 1) : bytes;
    const request = { transfer: this.id, totalBytes: declaredBytes, digest, chunks };
    const asked = this.client.call("commit", request).then(() => digestText(source, algorithm));
    return await hear(
      `committing ${path}`,
      asked.then((facts) => ({ facts })),
    );
  }

  async #open(request: RequestOf<"openUpload">) {
    const { id, reply } = this.client.start("openUpload", request, this);
    this.id = id;
    const { chunkCount, isSameSource, lastDigest, storedBytes } = (this.opened = await reply);
    const last = lastDigest === undefined ? [] : [lastDigest];
    return { facts: openFacts(chunkCount, isSameSource, last), resumedAt: storedBytes };
  }
}

/** What the reply to `openUpload` says of the held chunks. */
export function openFacts(
  chunks: number,
  isSame: boolean,
  lastDigest: readonly Uint8Array[],
): string {
  return `${chunks} chunks ${isSame ? "same" : "other"} ${hexOf(lastDigest)}`;
}

function hexOf(digests: readonly Uint8Array[]): string {
  return digests.map((digest) => Buffer.from(digest).toString("hex")).join(" ");
}
