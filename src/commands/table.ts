/**
 * THE TABLE: everything that can be asked, by name.
 *
 * Server, client, shell and PROTOCOL.md follow from it. Codes are permanent: 0x01-0x0f
 * connection, 0x10-0x1f sign-in, 0x20-0x2f files, 0x30-0x3f transfers, 0x40-0x4f
 * content and notices (frame.ts, notices.ts), 0x60-0x6f the operator's.
 */
import { algorithm, digest, flag, optional, path, size, u32 } from "../wire/shape.ts";
import { command } from "./command.ts";
import type { Command } from "./command.ts";
import * as control from "./control.ts";
import * as duplicates from "./duplicates.ts";
import * as downloads from "./downloads.ts";
import {
  digests,
  entries,
  features,
  findings,
  kind,
  scramMessage,
  software,
  source,
  unfinished,
  usages,
  user,
  version,
} from "./fields.ts";
import * as files from "./files.ts";
import { OVERSIGHT_ROWS } from "./oversight.ts";
import { PRESENCE_ROWS } from "./presence.ts";
import { THROTTLING_ROWS } from "./throttling.ts";
import { APPLICANT_ROWS, REGISTRATION_ROWS } from "./enrolment.ts";
import { SECRETS } from "./secrets.ts";
import * as signin from "./signin.ts";
import * as uploads from "./uploads.ts";

export const TABLE = {
  hello: command({
    code: 0x01,
    needs: "nothing",
    about: "greets; comes first, once",
    request: { client: software, features },
    reply: { server: software, features, bodyBytesMax: u32, requestsMax: u32, transfersMax: u32 },
    run: signin.hello,
  }),
  scramFirst: command({
    code: 0x10,
    needs: "hello",
    about: "SCRAM client-first-message; answered by server-first-message",
    request: { message: scramMessage },
    reply: { message: scramMessage },
    run: signin.scramFirst,
  }),
  scramFinal: command({
    code: 0x11,
    needs: "hello",
    about: "SCRAM client-final-message; answered by server-final-message",
    request: { message: scramMessage },
    reply: { message: scramMessage },
    run: signin.scramFinal,
  }),
  ...SECRETS,
  ...APPLICANT_ROWS,
  list: command({
    code: 0x20,
    needs: "read",
    about: "a page of a directory; cursor 0 begins, a reply's cursor goes on, 0 ends",
    isPage: true,
    request: { path, cursor: u32 },
    reply: {
      entries,
      cursor: u32,
    },
    run: files.list,
  }),
  stat: command({
    code: 0x21,
    needs: "read",
    about: "facts about one path; links are not followed",
    request: { path },
    reply: { kind, bytes: size, modifiedMs: size, version },
    run: files.stat,
  }),
  makeDir: command({
    code: 0x22,
    needs: "write",
    about: "makes a directory, with its parents when asked",
    request: { path, withParents: flag },
    reply: {},
    run: files.makeDir,
  }),
  move: command({
    code: 0x23,
    needs: "remove",
    about: "renames; a file replaces a file, if it may",
    request: { from: path, to: path, mayReplace: flag },
    reply: {},
    run: files.move,
  }),
  remove: command({
    code: 0x24,
    needs: "remove",
    about: "removes a file, or a directory with all it holds",
    request: { path, isRecursive: flag },
    reply: {},
    run: files.remove,
  }),
  removeDir: command({
    code: 0x25,
    needs: "remove",
    about: "removes an empty directory",
    request: { path },
    reply: {},
    run: files.removeDir,
  }),
  quota: command({
    code: 0x26,
    needs: "sign-in",
    about: "what is used, reserved and allowed",
    request: {},
    reply: {
      usedBytes: size,
      usedFiles: size,
      reservedBytes: size,
      reservedFiles: size,
      limitBytes: size,
      limitFiles: size,
    },
    run: files.quota,
  }),
  digest: command({
    code: 0x27,
    needs: "read",
    about: "the plain digest of a whole file",
    request: { path, algorithm },
    reply: { digest, totalBytes: size },
    run: files.digest,
  }),
  chunkDigests: command({
    code: 0x28,
    needs: "read",
    about: "digests of chunks of a file of a known version",
    isPage: true,
    request: { path, algorithm, version, firstChunk: u32, count: u32 },
    reply: { digests },
    run: files.chunkDigests,
  }),
  copy: command({
    code: 0x29,
    needs: "write",
    alsoNeeds: "read",
    about: "copies a file on the server, as a transfer that `closeTransfer` can end",
    request: { from: path, to: path, mayReplace: flag },
    reply: { totalBytes: size },
    run: duplicates.copy,
  }),
  sync: command({
    code: 0x2a,
    needs: "write",
    alsoNeeds: "read",
    about: "a file of a known version, and its name, are on the disk",
    request: { path, version },
    reply: {},
    run: files.sync,
  }),
  openUpload: command({
    code: 0x30,
    needs: "write",
    about: "reserves the whole size and opens an upload, or picks up an unfinished one",
    request: {
      path,
      totalBytes: size,
      modifiedMs: size,
      source,
      algorithm,
      isFresh: flag,
      mayReplace: flag,
    },
    reply: {
      storedBytes: size,
      chunkCount: u32,
      isSameSource: flag,
      lastDigest: optional(digest),
      windowBytes: u32,
    },
    run: uploads.openUpload,
  }),
  partDigests: command({
    code: 0x31,
    needs: "write",
    about: "digests of the chunks that an open upload holds",
    isPage: true,
    request: { transfer: u32, firstChunk: u32, count: u32 },
    reply: { digests },
    run: uploads.partDigests,
  }),
  rewind: command({
    code: 0x32,
    needs: "write",
    about: "keeps only the first chunks of an open upload, before any content",
    request: { transfer: u32, chunkCount: u32, source },
    reply: {},
    run: uploads.rewind,
  }),
  commit: command({
    code: 0x33,
    needs: "write",
    about: "all content was sent: proves, publishes and counts it",
    request: { transfer: u32, totalBytes: size, digest, chunks: u32 },
    reply: {},
    run: uploads.commit,
  }),
  closeTransfer: command({
    code: 0x34,
    needs: "sign-in",
    about: "ends a transfer; an upload's part stays unless it is discarded",
    request: { transfer: u32, isDiscarded: flag },
    reply: {},
    run: uploads.closeTransfer,
  }),
  uploads: command({
    code: 0x35,
    needs: "write",
    alsoNeeds: "read",
    about: "unfinished uploads by path: a page of those behind `after`; an empty page ends",
    isPage: true,
    request: { after: optional(path) },
    reply: { uploads: unfinished },
    run: uploads.listUploads,
  }),
  dropUpload: command({
    code: 0x36,
    needs: "write",
    about: "gives an unfinished upload up; its room is free again",
    request: { path },
    reply: {},
    run: uploads.dropUpload,
  }),
  openDownload: command({
    code: 0x38,
    needs: "read",
    about: "opens a file; content, proofs and `end` follow the reply",
    request: {
      path,
      algorithm,
      fromOffset: size,
      version: optional(version),
      windowBytes: u32,
    },
    reply: { totalBytes: size, modifiedMs: size, version, windowBytes: u32 },
    run: downloads.openDownload,
  }),
  usages: command({
    code: 0x60,
    needs: "admin",
    about: "what accounts have and may have, by name: a page behind `after`; an empty one ends",
    request: { after: user },
    reply: { usages },
    run: control.usages,
  }),
  purge: command({
    code: 0x61,
    needs: "admin",
    about: "removes all that a removed account left",
    request: { user },
    reply: {},
    run: control.purge,
  }),
  check: command({
    code: 0x62,
    needs: "admin",
    about: "compares ledger, journal and disk for one user, or all parts for an empty name",
    request: { user, isFixing: flag },
    reply: { findings },
    run: control.check,
  }),
  verify: command({
    code: 0x63,
    needs: "admin",
    about: "reads the whole state database; STATE_DAMAGED when it does not hold together",
    request: {},
    reply: {},
    run: control.verify,
  }),
  settleAccounts: command({
    code: 0x6e,
    needs: "admin",
    about: "answers when what accounts.toml says is in force, or was found to be wrong",
    request: {},
    reply: {},
    run: control.settleAccounts,
  }),
  ...PRESENCE_ROWS,
  ...OVERSIGHT_ROWS,
  ...REGISTRATION_ROWS,
  ...THROTTLING_ROWS,
} as const;

export type CommandName = keyof typeof TABLE;

/** A row whose shapes are not known to the compiler; bodies decoded by it fit its function. */
export type AnyCommand = Command<unknown, unknown>;

export const COMMAND_OF_CODE: ReadonlyMap<number, AnyCommand> = new Map(
  Object.values(TABLE).map((row) => [row.code, row as unknown as AnyCommand]),
);
