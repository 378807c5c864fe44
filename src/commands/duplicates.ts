/** Copies within a home, as a session sees them: transfers without content on the wire. */
import type { FtpxError } from "../base/errors.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Session } from "../sessions/session.ts";
import type { Transfer } from "../sessions/transfers.ts";
import { Motion } from "../transfer/motion.ts";
import type { Call } from "./command.ts";

interface CopyRequest {
  readonly from: VirtualPath;
  readonly to: VirtualPath;
  readonly mayReplace: boolean;
}

class CopyTransfer implements Transfer {
  readonly motion: Motion;
  readonly windowBytes: number;
  readonly needs = ["read", "write"] as const;
  readonly #stopping = new AbortController();
  readonly done: Promise<number>;

  constructor(session: Session, request: CopyRequest, id: number) {
    this.windowBytes = session.transfers.nextWindowBytes();
    let doneBytes = 0;
    this.motion = new Motion("copy", request.to, undefined, () => doneBytes);
    session.transfers.add(id, this);
    const mayReplace = () => {
      for (const right of this.needs) session.require(right);
      return request.mayReplace && session.may("remove");
    };
    const onProgress = (bytes: number, totalBytes: number) => {
      doneBytes += bytes;
      this.motion.totalBytes = totalBytes;
      this.motion.moved(bytes);
    };
    const wish = { ...request, mayReplace, windowBytes: this.windowBytes, onProgress };
    this.done = session.vfs.duplicate(wish, this.#stopping.signal);
  }

  /** The client gives it up, or has gone. */
  get isEnding(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** The request that it is tells the peer. */
  revoke(failure: FtpxError): void {
    this.motion.outcome = "failed";
    this.#stopping.abort(failure);
  }

  async end(failure: FtpxError): Promise<void> {
    this.#stopping.abort(failure);
    await this.done.catch(() => {});
  }
}

/** @throws FtpxError what `duplicate` throws */
export async function copy(session: Session, request: CopyRequest, { id }: Call) {
  const beganMs = performance.now();
  const transfer = new CopyTransfer(session, request, id);
  try {
    const totalBytes = await transfer.done;
    transfer.motion.outcome = "done";
    const { from, to } = request;
    const seconds = Math.round(performance.now() - beganMs) / 1000;
    session.emit("copy", { from, to, bytes: totalBytes, seconds });
    await session.noted();
    return { totalBytes };
  } catch (error) {
    if (!transfer.isEnding) transfer.motion.outcome = "failed";
    throw error;
  } finally {
    session.transfers.forget(id);
  }
}
