/**
 * Uploads as a session sees them: opened, fed, committed or closed.
 *
 * A transfer is registered before the first wait, so content that was sent in the same
 * flight as `openUpload` finds it and waits at the gate until the upload is open.
 */
import { demandDigest, formatDigest } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { failureOf, FtpxError } from "../base/errors.ts";
import { DIGEST_PAGE_CHUNKS_MAX, EAGER_BYTES_MAX, UPLOADS_PAGE_MAX } from "../base/limits.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Session } from "../sessions/session.ts";
import type { Transfer } from "../sessions/transfers.ts";
import { BUFFERS } from "../transfer/buffers.ts";
import { Gate } from "../transfer/gate.ts";
import { Motion } from "../transfer/motion.ts";
import type { Upload } from "../vfs/upload.ts";
import type { ClaimedUpload } from "../vfs/vfs.ts";
import type { Call } from "./command.ts";
import { tellFailure } from "./failures.ts";
import { veiled } from "./veil.ts";

interface OpenRequest {
  readonly path: VirtualPath;
  readonly totalBytes: number;
  readonly modifiedMs: number;
  readonly source: Uint8Array;
  readonly algorithm: Algorithm;
  readonly isFresh: boolean;
  readonly mayReplace: boolean;
}

class UploadTransfer implements Transfer {
  readonly motion: Motion;
  readonly windowBytes: number;
  readonly request: OpenRequest;
  readonly needs = ["write"] as const;
  readonly #session: Session;
  readonly #call: Call;
  readonly #beganMs = performance.now();
  readonly #opening: Promise<ClaimedUpload>;
  /** Content may have come in the same flight as the request. */
  readonly #gate = new Gate<Upload>(EAGER_BYTES_MAX);
  #isEnding = false;
  #isCommitting = false;
  /** What came before it was open, and waits until it is. */
  #eagerBytes = 0;
  #hasOpened = false;
  #resumedAt = 0;
  #upload: Upload | undefined;

  constructor(session: Session, request: OpenRequest, call: Call) {
    this.#session = session;
    this.request = request;
    this.#call = call;
    this.windowBytes = session.transfers.nextWindowBytes(request.totalBytes);
    const doneBytes = () => this.#upload?.storedBytes ?? 0;
    this.motion = new Motion("upload", request.path, request.totalBytes, doneBytes);
    session.transfers.add(call.id, this);
    this.#opening = this.#open();
    // Whoever needs the upload awaits it; a refusal before that is not a lost promise.
    this.#opening.catch(() => {});
  }

  /** It is open, and nothing is left to be done with what came. */
  get isPeersTurn(): boolean {
    return this.#upload?.isWaiting === true && !this.#isCommitting;
  }

  /** Waits until the upload is open. */
  async opened(): Promise<Upload> {
    const { upload } = await this.#opening;
    return upload;
  }

  content(offset: number, piece: Uint8Array): void {
    this.motion.moved(piece.byteLength);
    this.#session.transfers.moved(piece.byteLength);
    this.#session.registry.counters.receivedBytes += piece.byteLength;
    this.#session.receivedBytes += piece.byteLength;
    this.#gate.pass(piece, (upload, held) => upload.accept(offset, held));
    if (!this.#hasOpened) {
      this.#eagerBytes += piece.byteLength;
      BUFFERS.occupy(piece.byteLength);
    }
    // The disk is behind: what is still to come may wait with its sender.
    if (BUFFERS.isScarce) this.#call.outlet.holdUntil(BUFFERS.roomy());
  }

  prove(index: number, digest: Uint8Array): void {
    demandDigest(this.request.algorithm, digest);
    this.#gate.pass(digest, (upload, held) => upload.prove(index, held));
  }

  async commit(totalBytes: number, bytes: Uint8Array, chunks: number): Promise<void> {
    const { algorithm } = this.request;
    demandDigest(algorithm, bytes);
    const upload = await this.opened();
    this.#isCommitting = true;
    await veiled(this.#session, () => upload.commit(totalBytes, { algorithm, bytes, chunks }));
    this.motion.outcome = "done";
    this.#session.emit("transfer", {
      direction: this.motion.direction,
      path: this.request.path,
      bytes: totalBytes,
      digest: formatDigest({ algorithm, bytes, chunks }),
      resumedAt: this.#resumedAt,
      seconds: Math.round(performance.now() - this.#beganMs) / 1000,
    });
  }

  /** Not while a commit is under way: it asks for the rights itself, and is answered. */
  revoke(failure: FtpxError): void {
    void this.#revoke(failure);
  }

  async end(_failure: FtpxError): Promise<void> {
    this.#isEnding = true;
    const claimed = await this.#opening.catch(() => undefined);
    await claimed?.close();
  }

  async discard(): Promise<void> {
    const claimed = await this.#opening;
    await claimed.discard();
  }

  async #open(): Promise<ClaimedUpload> {
    const { vfs } = this.#session;
    const { id, outlet } = this.#call;
    const mayReplace = () => {
      this.#session.require("write");
      return this.request.mayReplace && this.#session.may("remove");
    };
    const wish = { ...this.request, mayReplace, windowBytes: this.windowBytes };
    const listener = {
      acknowledge: (offset: number) => outlet.notify(id, "ack", { offset }),
      failed: (failure: FtpxError) => this.#failed(failure),
    };
    const claimed = await veiled(this.#session, () => vfs.openUpload(wish, listener)).finally(
      () => {
        this.#hasOpened = true;
        BUFFERS.vacate(this.#eagerBytes);
      },
    );
    this.#upload = claimed.upload;
    this.#resumedAt = claimed.upload.storedBytes;
    try {
      this.#gate.open(claimed.upload);
    } catch (error) {
      if (!(error instanceof FtpxError)) throw error;
      this.#failed(error);
    }
    return claimed;
  }

  async #revoke(failure: FtpxError): Promise<void> {
    const { id, replied } = this.#call;
    await replied;
    const isOpen = this.#session.transfers.open.get(id) === this && !this.#isCommitting;
    if (isOpen) this.#failed(failure);
  }

  #failed(failure: FtpxError): void {
    if (this.#isEnding) return;
    this.motion.outcome = "failed";
    tellFailure(this.#session, this.motion, failure);
    const { id, outlet } = this.#call;
    outlet.fail(id, failure);
    void this.#session.transfers.end(id, failure);
  }
}

/** @throws FtpxError what Vfs.openUpload throws, TOO_MANY_TRANSFERS */
export async function openUpload(session: Session, request: OpenRequest, call: Call) {
  const transfer = new UploadTransfer(session, request, call);
  try {
    const upload = await transfer.opened();
    const { chunkCount } = upload;
    const [lastDigest] = chunkCount > 0 ? await upload.digests(chunkCount - 1, 1) : [];
    return {
      storedBytes: upload.storedBytes,
      chunkCount,
      isSameSource: upload.isSameSource,
      lastDigest,
      windowBytes: transfer.windowBytes,
    };
  } catch (error) {
    if (error instanceof FtpxError && error.kind.endsWith("_EXCEEDED")) {
      session.emit("quota-refused", { path: request.path, bytes: request.totalBytes });
    }
    const failure = failureOf(error);
    transfer.motion.outcome = "failed";
    tellFailure(session, transfer.motion, failure);
    await session.transfers.end(call.id, failure);
    throw error;
  }
}

interface PageRequest {
  readonly transfer: number;
  readonly firstChunk: number;
  readonly count: number;
}

export async function partDigests(session: Session, request: PageRequest) {
  const upload = await transferOf(session, request.transfer).opened();
  const count = Math.min(request.count, DIGEST_PAGE_CHUNKS_MAX);
  // A client that compares what is held with its source reads much between two of these.
  session.transfers.moved();
  return { digests: await upload.digests(request.firstChunk, count) };
}

interface RewindRequest {
  readonly transfer: number;
  readonly chunkCount: number;
  readonly source: Uint8Array;
}

export async function rewind(session: Session, request: RewindRequest) {
  const upload = await transferOf(session, request.transfer).opened();
  session.transfers.moved();
  await upload.rewind(request.chunkCount, request.source);
  return {};
}

interface CommitRequest {
  readonly transfer: number;
  readonly totalBytes: number;
  readonly digest: Uint8Array;
  readonly chunks: number;
}

/** @throws FtpxError what Upload.commit throws; the transfer is over either way */
export async function commit(session: Session, request: CommitRequest) {
  const transfer = transferOf(session, request.transfer);
  try {
    await transfer.commit(request.totalBytes, request.digest, request.chunks);
  } catch (error) {
    transfer.motion.outcome = "failed";
    tellFailure(session, transfer.motion, failureOf(error));
    throw error;
  } finally {
    await session.transfers.end(request.transfer, new FtpxError("NO_SUCH_TRANSFER"));
  }
  // Behind the rest, so that it has most often happened by now.
  await session.noted();
  return {};
}

export async function closeTransfer(
  session: Session,
  request: { readonly transfer: number; readonly isDiscarded: boolean },
) {
  const transfer = session.transfers.open.get(request.transfer);
  try {
    if (request.isDiscarded && transfer instanceof UploadTransfer) await transfer.discard();
  } finally {
    await session.transfers.end(request.transfer, new FtpxError("NO_SUCH_TRANSFER"));
  }
  return {};
}

/** Uploads that were cut off, and those that sessions have open, in the order of their paths. */
export async function listUploads(
  session: Session,
  { after }: { readonly after: VirtualPath | undefined },
) {
  const all = await session.vfs.uploads();
  const behind = after === undefined ? all : all.filter(({ path }) => path > after);
  return { uploads: behind.slice(0, UPLOADS_PAGE_MAX) };
}

/** @throws FtpxError NO_SUCH_PATH; UPLOAD_BUSY while content comes */
export async function dropUpload(session: Session, { path }: { readonly path: VirtualPath }) {
  const bytes = await session.vfs.dropUpload(path);
  session.emit("upload-dropped", { path, bytes });
  return {};
}

function transferOf(session: Session, id: number): UploadTransfer {
  const transfer = session.transfers.open.get(id);
  if (!(transfer instanceof UploadTransfer)) throw new FtpxError("NO_SUCH_TRANSFER");
  return transfer;
}
