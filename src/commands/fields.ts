/** Fields and lists that rows of the table (table.ts) share, and their bounds. */
import {
  DIGEST_PAGE_CHUNKS_MAX,
  FINDINGS_MAX,
  KICK_REASON_BYTES_MAX,
  LIST_PAGE_ENTRIES_MAX,
  NAME_BYTES_MAX,
  PATH_BYTES_MAX,
  SALT_BYTES_MAX,
  SCRAM_MESSAGE_BYTES_MAX,
  SESSIONS_PAGE_MAX,
  TEXT_BYTES_MAX,
  TRANSFERS_MAX,
  UPLOADS_PAGE_MAX,
  USAGE_PAGE_ACCOUNTS_MAX,
  USER_BYTES_MAX,
} from "../base/limits.ts";
import { CHALLENGE_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../base/signature.ts";
import { KEY_BYTES } from "../base/derivation.ts";
import {
  bytes,
  choice,
  digest,
  flag,
  listOf,
  optional,
  path,
  record,
  size,
  text,
  u32,
} from "../wire/shape.ts";

export const kind = choice({ file: 1, directory: 2, link: 3, other: 4 });
/** Each byte of a name may come as an escape of four. */
const name = text(4 * NAME_BYTES_MAX);
export const version = text(80);
export const source = bytes(64);
export const features = listOf(text(32), 32);
export const software = text(64);
export const scramMessage = text(SCRAM_MESSAGE_BYTES_MAX);
/** Any text, as in SCRAM: who it is not the name of an account learns nothing by that. */
export const signInName = text(TEXT_BYTES_MAX);
export const publicKey = bytes(PUBLIC_KEY_BYTES);
export const signature = bytes(SIGNATURE_BYTES);
export const challenge = bytes(CHALLENGE_BYTES);
export const salt = bytes(SALT_BYTES_MAX);
export const proof = bytes(KEY_BYTES);
export const verifier = text(TEXT_BYTES_MAX);
export const digests = listOf(digest, DIGEST_PAGE_CHUNKS_MAX);
export const user = text(USER_BYTES_MAX);
const findingKind = choice({
  usage: 1,
  reservation: 2,
  unsettled: 3,
  "missing-part": 4,
  "orphan-part": 5,
});

export const entries = listOf(
  record({ name, kind, bytes: size, modifiedMs: size }),
  LIST_PAGE_ENTRIES_MAX,
);

export const unfinished = listOf(
  record({ path, totalBytes: size, heldBytes: size }),
  UPLOADS_PAGE_MAX,
);

export const interrupted = listOf(
  record({ path, totalBytes: size, heldBytes: size, idleMs: size, isOpen: flag }),
  UPLOADS_PAGE_MAX,
);

export const usages = listOf(
  record({
    user,
    usedBytes: size,
    usedFiles: size,
    reservedBytes: size,
    reservedFiles: size,
    limitBytes: size,
    limitFiles: size,
    seenMs: optional(size),
    sessionCount: u32,
  }),
  USAGE_PAGE_ACCOUNTS_MAX,
);

export const kickReason = text(KICK_REASON_BYTES_MAX);
const direction = choice({ upload: 1, download: 2, copy: 3 });

export const presences = listOf(
  record({
    id: u32,
    user,
    door: text(16),
    address: text(64),
    client: software,
    ageMs: size,
    idleMs: size,
    transferCount: u32,
    transfers: listOf(
      record({
        direction,
        path,
        doneBytes: size,
        totalBytes: optional(size),
        bytesPerSecond: size,
      }),
      TRANSFERS_MAX,
    ),
  }),
  SESSIONS_PAGE_MAX,
);

export const findings = listOf(
  record({
    kind: findingKind,
    user,
    path: text(PATH_BYTES_MAX),
    expectedBytes: size,
    expectedFiles: size,
    foundBytes: size,
    foundFiles: size,
    isFixed: flag,
  }),
  FINDINGS_MAX,
);
