/**
 * Uploads of others that were cut off and hold room: the operator sees them and gives them up.
 * On the local socket only; users do that to their own (uploads.ts).
 */
import { FtpxError, isKind } from "../base/errors.ts";
import { UPLOADS_PAGE_MAX } from "../base/limits.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Session } from "../sessions/session.ts";
import type { Transfer } from "../sessions/transfers.ts";
import { flag, optional, path, size } from "../wire/shape.ts";
import { command } from "./command.ts";
import * as fields from "./fields.ts";

interface ListRequest {
  readonly user: string;
  readonly after: VirtualPath | undefined;
}

/** Also of an account that is gone. */
async function uploadsOf({ registry }: Session, { user, after }: ListRequest) {
  const all = await registry.depot.uploads(user);
  const behind = after === undefined ? all : all.filter((one) => one.path > after);
  return { uploads: behind.slice(0, UPLOADS_PAGE_MAX) };
}

interface DropRequest {
  readonly user: string;
  readonly path: VirtualPath;
  readonly isForced: boolean;
}

/** @throws FtpxError NO_SUCH_PATH; UPLOAD_BUSY while content comes, unless it is forced */
async function dropUploadOf(asking: Session, { user, path: wanted, isForced }: DropRequest) {
  const { depot } = asking.registry;
  const ended = isForced ? await endTransfers(asking, user, wanted) : [];
  const totalBytes = await depot.dropUpload(user, wanted).catch((error: unknown) => {
    // A copy that is ended leaves nothing to drop; what was published meanwhile is a file.
    const isGone = isKind(error, "NO_SUCH_PATH") && ended.some(isGivenUp);
    if (!isGone) throw error;
    return ended[0]?.motion.totalBytes ?? 0;
  });
  asking.emit("upload-dropped", { name: user, path: wanted, bytes: totalBytes });
  return { totalBytes };
}

function isGivenUp({ motion }: Transfer): boolean {
  return motion.outcome === "failed";
}

/** Tells the sessions that send or copy to there, and waits until the path is given back. */
async function endTransfers(
  { registry }: Session,
  user: string,
  wanted: VirtualPath,
): Promise<Transfer[]> {
  const ended: Transfer[] = [];
  for (const { account, transfers } of registry.sessions) {
    if (account?.name !== user) continue;
    for (const transfer of transfers.open.values()) {
      const { direction, path: moving } = transfer.motion;
      if (direction === "download" || moving !== wanted) continue;
      transfer.revoke(new FtpxError("UPLOAD_DROPPED"));
      ended.push(transfer);
    }
  }
  if (ended.length > 0) await registry.depot.uploadEnded(user, wanted);
  return ended;
}

export const OVERSIGHT_ROWS = {
  uploadsOf: command({
    code: 0x67,
    needs: "admin",
    about: "unfinished uploads of a user, as `uploads`; `isOpen`: a session has it open",
    request: { user: fields.user, after: optional(path) },
    reply: { uploads: fields.interrupted },
    run: uploadsOf,
  }),
  dropUploadOf: command({
    code: 0x6d,
    needs: "admin",
    about:
      "gives an unfinished upload of a user up; forced, it ends a transfer with UPLOAD_DROPPED",
    request: { user: fields.user, path, isForced: flag },
    reply: { totalBytes: size },
    run: dropUploadOf,
  }),
} as const;
