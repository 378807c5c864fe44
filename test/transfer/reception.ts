/** A Receiver over a file without a disk, an owner that notes what it hears, and content for it. */
import { createHasher } from "../../src/base/digest.ts";
import type { FtpxError } from "../../src/base/errors.ts";
import { CHUNK_BYTES, WINDOW_BYTES } from "../../src/base/limits.ts";
import { Receiver } from "../../src/transfer/receiver.ts";
import type { ReceiverOwner, ReceiverStart } from "../../src/transfer/receiver.ts";
import { Chance } from "../support/chance.ts";
import { FakeFile } from "../support/file.ts";
import { turn } from "../support/socket.ts";

export const KIB = 1024;
/** Two chunks and a little. */
export const CONTENT = new Chance(3).bytes(2 * CHUNK_BYTES + 5);

export class Owner implements ReceiverOwner {
  readonly acknowledged: number[] = [];
  readonly chunks: number[] = [];
  readonly failures: FtpxError[] = [];

  acknowledge(offset: number): void {
    this.acknowledged.push(offset);
  }

  received(chunks: readonly { index: number }[]): void {
    this.chunks.push(...chunks.map(({ index }) => index));
  }

  failed(failure: FtpxError): void {
    this.failures.push(failure);
  }
}

export async function make(start: Partial<ReceiverStart> = {}) {
  const owner = new Owner();
  const file = new FakeFile();
  const usual = {
    file,
    algorithm: "xxh128",
    totalBytes: CONTENT.byteLength,
    firstChunk: 0,
    fromOffset: 0,
    windowBytes: WINDOW_BYTES,
  } as const;
  const receiver = await Receiver.create({ ...usual, ...start }, owner);
  return { owner, file, receiver };
}

/** Gives it all content between two offsets in pieces, and lets it be written in between. */
export async function feed(receiver: Receiver, from: number, to: number, step = 512 * KIB) {
  for (let offset = from; offset < to; offset += step) {
    receiver.accept(offset, CONTENT.slice(offset, Math.min(offset + step, to)));
    await turn();
  }
}

export async function chunkDigest(index: number): Promise<Uint8Array> {
  const hasher = await createHasher("xxh128");
  hasher.update(CONTENT.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
  return hasher.finish();
}
