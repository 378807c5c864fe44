/**
 * The sending end of one transfer, on the server and on the client alike: content
 * read ahead by one buffer, digested, sent within the window, each whole chunk
 * followed by its digest.
 */
import { ChunkDigester, createHasher, digestRange } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { FtpxError } from "../base/errors.ts";
import type { OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES, CONTENT_BYTES_MAX } from "../base/limits.ts";
import { KnownChunks } from "./knownchunks.ts";
import type { SendWindow } from "./window.ts";

export interface SenderTarget {
  /** Bytes to leave free in front of the content of each frame. */
  readonly prefixBytes: number;
  /** The frame is lent until the promise settles. */
  sendContent(frame: Uint8Array, offset: number, bytes: number): Promise<void>;
  /** The digest of a whole chunk, after all of its content. */
  sendProof(index: number, digest: Uint8Array): void;
}

export interface SenderStart {
  readonly file: OpenFile;
  readonly algorithm: Algorithm;
  /** The digests of all chunks, where the file was digested before. */
  readonly known?: readonly Uint8Array[] | undefined;
  readonly totalBytes: number;
  /** The other side holds the chunks before this one and has proved them. */
  readonly firstChunk: number;
  /** Content begins here; what lies between the first chunk and this is proved, not sent. */
  readonly fromOffset: number;
  readonly window: SendWindow;
  readonly target: SenderTarget;
  /** Waits as long as a rate limit demands before so many bytes are sent. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/**
 * Sends everything from `fromOffset` on.
 *
 * @returns digests of the chunks from the first one on
 * @throws FtpxError CHANGED when the file has become shorter; what the window was
 *   failed with; CONNECTION_LOST
 */
export async function sendFile(start: SenderStart): Promise<Uint8Array[]> {
  const { file, totalBytes, fromOffset, window, target } = start;
  const proofs: { index: number; digest: Uint8Array }[] = [];
  // Two pieces are held while a reader does not acknowledge: less where the window is small.
  const pieceBytesMax = Math.min(CONTENT_BYTES_MAX, Math.ceil(window.windowBytes / 8));
  const pieces = readPieces(file, fromOffset, totalBytes, pieceBytesMax, target.prefixBytes);

  const digester = await digesterOf(start, (index, digest) => proofs.push({ index, digest }));
  for (const { index, digest } of proofs.splice(0)) target.sendProof(index, digest);
  for await (const { frame, offset, bytes } of pieces) {
    digester.update(frame.subarray(target.prefixBytes, target.prefixBytes + bytes));
    await start.pace?.(bytes);
    await window.claim(bytes);
    await target.sendContent(frame, offset, bytes);
    for (const { index, digest } of proofs.splice(0)) target.sendProof(index, digest);
  }
  return digester.finish();
}

/** What lies between the first chunk and the first byte to be sent is proved as well. */
async function digesterOf(
  { file, algorithm, known, firstChunk, fromOffset }: SenderStart,
  onChunk: (index: number, digest: Uint8Array) => void,
): Promise<KnownChunks | ChunkDigester> {
  const firstOffset = firstChunk * CHUNK_BYTES;
  if (known !== undefined) {
    const chunks = new KnownChunks(known, firstChunk, onChunk);
    chunks.pass(fromOffset - firstOffset);
    return chunks;
  }
  const digester = new ChunkDigester(await createHasher(algorithm), firstChunk, onChunk);
  await digestRange(digester, file, firstOffset, fromOffset);
  return digester;
}

interface Piece {
  readonly frame: Uint8Array;
  readonly offset: number;
  readonly bytes: number;
}

/** Pieces that never straddle chunks, each valid until the next one is asked for. */
async function* readPieces(
  file: OpenFile,
  fromOffset: number,
  totalBytes: number,
  pieceBytesMax: number,
  prefixBytes: number,
): AsyncGenerator<Piece> {
  const bufferBytes = prefixBytes + Math.min(pieceBytesMax, totalBytes - fromOffset);
  // Everything in one piece: less than that, and not across the end of a chunk.
  const isShort =
    totalBytes - fromOffset <= Math.min(pieceBytesMax, CHUNK_BYTES - (fromOffset % CHUNK_BYTES));
  const buffers = [new Uint8Array(bufferBytes), new Uint8Array(isShort ? 0 : bufferBytes)] as const;
  let turn: 0 | 1 = 0;
  const read = (offset: number): Promise<Piece> | undefined => {
    if (offset >= totalBytes) return undefined;
    const toChunkEnd = CHUNK_BYTES - (offset % CHUNK_BYTES);
    const bytes = Math.min(pieceBytesMax, totalBytes - offset, toChunkEnd);
    const frame = buffers[turn];
    turn = turn === 0 ? 1 : 0;
    const piece = readPiece(file, frame, offset, bytes, prefixBytes);
    // A failure is thrown where the piece is asked for, and that may be long after.
    piece.catch(() => {});
    return piece;
  };

  let ahead = read(fromOffset);
  try {
    while (ahead !== undefined) {
      const piece: Piece = await ahead;
      ahead = read(piece.offset + piece.bytes);
      yield piece;
    }
  } finally {
    // Whoever closes the file next must not find a read under way.
    await ahead?.catch(() => {});
  }
}

async function readPiece(
  file: OpenFile,
  frame: Uint8Array,
  offset: number,
  bytes: number,
  prefixBytes: number,
): Promise<Piece> {
  const count = await file.read(frame.subarray(prefixBytes, prefixBytes + bytes), offset);
  if (count < bytes) throw new FtpxError("CHANGED");
  return { frame, offset, bytes };
}
