/** Files and directories: what there is, and changes that carry no content. */
import { FtpxError } from "../base/errors.ts";
import type { Algorithm } from "../base/digest.ts";
import type { OpenFile } from "../base/openfile.ts";
import { DIGEST_PAGE_CHUNKS_MAX } from "../base/limits.ts";
import { HOME } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { veiled } from "./veil.ts";
import type { Session } from "../sessions/session.ts";
import type { Amount } from "../state/contract.ts";

interface OnPath {
  readonly path: VirtualPath;
}

export async function list(session: Session, { path, cursor }: OnPath & { cursor: number }) {
  const leave = await session.registry.listLanes.enter();
  try {
    // Who has gone meanwhile keeps nobody waiting.
    session.signal.throwIfAborted();
    if (cursor !== 0) return await session.listings.next(cursor);
    return await session.listings.begin(await session.vfs.list(path));
  } finally {
    leave();
  }
}

export async function stat(session: Session, { path }: OnPath) {
  const { kind, bytes, modifiedMs, version } = await session.vfs.facts(path);
  return { kind, bytes, modifiedMs, version };
}

export async function makeDir(
  session: Session,
  { path, withParents }: OnPath & { withParents: boolean },
) {
  let count = 0;
  try {
    await veiled(session, () => session.vfs.makeDir(path, withParents, () => (count += 1)));
  } finally {
    // Parents that were made before one could not be are changes too.
    if (count > 0) session.emit("mkdir", { path, count });
  }
  return {};
}

interface MoveRequest {
  readonly from: VirtualPath;
  readonly to: VirtualPath;
  readonly mayReplace: boolean;
}

export async function move(session: Session, { from, to, mayReplace }: MoveRequest) {
  await session.vfs.move(from, to, mayReplace);
  session.emit("move", { from, to });
  await session.noted();
  return {};
}

export async function remove(
  session: Session,
  { path, isRecursive }: OnPath & { isRecursive: boolean },
) {
  demandInside(path);
  let count = 0;
  let bytes = 0;
  const removed = (amount: Amount) => {
    count += amount.files;
    bytes += amount.bytes;
  };
  try {
    if (isRecursive) await session.vfs.removeTree(path, removed);
    else removed(await session.vfs.removeFile(path));
  } finally {
    // What was removed before something could not be is gone.
    if (count > 0) session.emit("remove", { path, count, bytes });
  }
  await session.noted();
  return {};
}

export async function removeDir(session: Session, { path }: OnPath) {
  demandInside(path);
  await session.vfs.removeDir(path);
  session.emit("remove", { path, count: 1, bytes: 0 });
  await session.noted();
  return {};
}

export async function quota(session: Session) {
  const { account, limit } = await session.vfs.quota();
  return {
    usedBytes: account.used.bytes,
    usedFiles: account.used.files,
    reservedBytes: account.reserved.bytes,
    reservedFiles: account.reserved.files,
    limitBytes: limit.bytes,
    limitFiles: limit.files,
  };
}

/** The plain digest of the whole file, as md5sum and its kin print it. */
export async function digest(
  session: Session,
  { path, algorithm }: OnPath & { algorithm: Algorithm },
) {
  return await withUnchangedFile(session, path, undefined, async (file, totalBytes) => ({
    digest: await session.vfs.digest(file, algorithm, session.signal),
    totalBytes,
  }));
}

/** @throws FtpxError CHANGED when the file is not the one of that version */
export async function sync(session: Session, { path, version }: OnPath & { version: string }) {
  await session.vfs.sync(path, version);
  return {};
}

interface ChunkDigestsRequest extends OnPath {
  readonly algorithm: Algorithm;
  readonly version: string;
  readonly firstChunk: number;
  readonly count: number;
}

/** Digests of chunks of a file that is known by its version. @throws FtpxError CHANGED */
export async function chunkDigests(session: Session, request: ChunkDigestsRequest) {
  const { path, algorithm, version, firstChunk } = request;
  const count = Math.min(request.count, DIGEST_PAGE_CHUNKS_MAX);
  return await withUnchangedFile(session, path, version, async (file) => ({
    digests: await session.vfs.chunkDigests(file, algorithm, firstChunk, count, session.signal),
  }));
}

/** @throws FtpxError CHANGED when the file is not the one of that version, or changes meanwhile */
async function withUnchangedFile<Value>(
  session: Session,
  path: VirtualPath,
  version: string | undefined,
  work: (file: OpenFile, totalBytes: number) => Promise<Value>,
): Promise<Value> {
  const file = await session.vfs.openFile(path);
  try {
    const before = await file.facts();
    if (version !== undefined && version !== before.version) throw new FtpxError("CHANGED");
    const value = await work(file, before.bytes);
    const after = await file.facts();
    if (after.content !== before.content) throw new FtpxError("CHANGED");
    return value;
  } finally {
    await file.close();
  }
}

function demandInside(path: VirtualPath): void {
  if (path === HOME) throw new FtpxError("BAD_PATH", { reason: "the home directory stays" });
}
