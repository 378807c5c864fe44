/** Copies within a home, as a session sees them: transfers without content on the wire. */
import type { FtpxError } from "../base/errors.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Session, Transfer } from "../sessions/session.ts";
import type { Call } from "./command.ts";

interface CopyRequest {
  readonly from: VirtualPath;
  readonly to: VirtualPath;
  readonly mayReplace: boolean;
}

class CopyTransfer implements Transfer {
  readonly direction = "upload";
  readonly windowBytes: number;
  readonly #stopping = new AbortController();
  readonly done: Promise<number>;

  constructor(session: Session, request: CopyRequest, id: number) {
    this.windowBytes = session.nextWindowBytes();
    session.addTransfer(id, this);
    const mayReplace = request.mayReplace && session.may("remove");
    const wish = { ...request, mayReplace, windowBytes: this.windowBytes };
    this.done = session.vfs.duplicate(wish, this.#stopping.signal);
  }

  async end(failure: FtpxError): Promise<void> {
    this.#stopping.abort(failure);
    await this.done.catch(() => {});
  }
}

/** @throws FtpxError FORBIDDEN for an account that may not read, and what `duplicate` throws */
export async function copy(session: Session, request: CopyRequest, { id }: Call) {
  session.require("read");
  const transfer = new CopyTransfer(session, request, id);
  try {
    return { totalBytes: await transfer.done };
  } finally {
    session.transfers.delete(id);
  }
}
