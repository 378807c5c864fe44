/** One valid request and reply of every row of the table, and one body of every notice. */
import { parsePath } from "../../src/base/path.ts";
import type { Notice, NoticeName } from "../../src/commands/notices.ts";
import type { TABLE } from "../../src/commands/table.ts";
import type { CommandName } from "../../src/commands/table.ts";
import type { ValueOf } from "../../src/wire/shape.ts";
import { bytes } from "./octets.ts";

type Samples = {
  readonly [Name in CommandName]: {
    readonly request: ValueOf<(typeof TABLE)[Name]["request"]>;
    readonly reply: ValueOf<(typeof TABLE)[Name]["reply"]>;
  };
};

const path = parsePath("/a/é/\u{10feff}");
const digest = bytes("00 01 02 03 fc fd fe ff 00 01 02 03 fc fd fe ff");
const source = bytes("aa bb cc");
const version = "1a.2b.3c.4d";
const algorithm = "sha256";
const limits = { quotaBytes: 2 ** 40, filesMax: undefined, access: "upload-only" } as const;

export const SAMPLES: Samples = {
  hello: {
    request: { client: "ftpx 1", features: ["a", "bc"] },
    reply: { server: "ftpx 1", features: [], bodyBytesMax: 1, requestsMax: 2, transfersMax: 3 },
  },
  scramFirst: { request: { message: "p=x,,n=ann,r=abc" }, reply: { message: "r=abc,s=,i=1" } },
  scramFinal: { request: { message: "c=,r=abc,p=" }, reply: { message: "v=" } },
  keyFirst: { request: { user: "ann", publicKey: digest }, reply: { nonce: digest } },
  keyFinal: { request: { signature: digest }, reply: {} },
  passwordFirst: {
    request: {},
    reply: { salt: digest, memoryKib: 19_456, passes: 2, nonce: digest },
  },
  passwordFinal: { request: { proof: digest, verifier: "argon2id$x" }, reply: {} },
  list: {
    request: { path, cursor: 7 },
    reply: {
      entries: [
        { name: "a", kind: "file", bytes: 5, modifiedMs: 1_700_000_000_000 },
        { name: "é", kind: "directory", bytes: 0, modifiedMs: 0 },
      ],
      cursor: 0xffff_ffff,
    },
  },
  stat: { request: { path }, reply: { kind: "link", bytes: 1, modifiedMs: 2, version } },
  makeDir: { request: { path, withParents: true }, reply: {} },
  move: { request: { from: path, to: parsePath("/b"), mayReplace: true }, reply: {} },
  remove: { request: { path, isRecursive: false }, reply: {} },
  removeDir: { request: { path }, reply: {} },
  quota: {
    request: {},
    reply: {
      usedBytes: Number.MAX_SAFE_INTEGER,
      usedFiles: 1,
      reservedBytes: 2,
      reservedFiles: 3,
      limitBytes: 4,
      limitFiles: 5,
    },
  },
  digest: { request: { path, algorithm: "md5" }, reply: { digest, totalBytes: 9 } },
  chunkDigests: {
    request: { path, algorithm: "blake3", version, firstChunk: 1, count: 2 },
    reply: { digests: [digest, digest] },
  },
  copy: {
    request: { from: path, to: parsePath("/b"), mayReplace: true },
    reply: { totalBytes: 5 },
  },
  sync: { request: { path, version }, reply: {} },
  openUpload: {
    request: {
      path,
      totalBytes: 2 ** 40,
      modifiedMs: 1_700_000_000_000,
      source,
      algorithm: "xxh128",
      isFresh: false,
      mayReplace: true,
    },
    reply: {
      storedBytes: 1,
      chunkCount: 2,
      isSameSource: true,
      lastDigest: digest,
      windowBytes: 3,
    },
  },
  partDigests: { request: { transfer: 1, firstChunk: 2, count: 3 }, reply: { digests: [] } },
  rewind: { request: { transfer: 1, chunkCount: 2, source }, reply: {} },
  commit: { request: { transfer: 1, totalBytes: 2, digest, chunks: 3 }, reply: {} },
  closeTransfer: { request: { transfer: 1, isDiscarded: true }, reply: {} },
  uploads: {
    request: { after: path },
    reply: { uploads: [{ path, totalBytes: 7, heldBytes: 5 }] },
  },
  dropUpload: { request: { path }, reply: {} },
  openDownload: {
    request: { path, algorithm, fromOffset: 5, version: undefined, windowBytes: 6 },
    reply: { totalBytes: 1, modifiedMs: 2, version, windowBytes: 3 },
  },
  usages: {
    request: { after: "al" },
    reply: {
      usages: [
        {
          user: "ann",
          usedBytes: 1,
          usedFiles: 2,
          reservedBytes: 3,
          reservedFiles: 4,
          limitBytes: 5,
          limitFiles: 6,
          seenMs: 1_700_000_000_000,
          sessionCount: 7,
        },
        {
          user: "bob",
          usedBytes: 0,
          usedFiles: 0,
          reservedBytes: 0,
          reservedFiles: 0,
          limitBytes: 0,
          limitFiles: 0,
          seenMs: undefined,
          sessionCount: 0,
        },
      ],
    },
  },
  check: {
    request: { user: "ann", isFixing: true },
    reply: {
      findings: [
        {
          kind: "usage",
          user: "ann",
          path: "",
          expectedBytes: 1,
          expectedFiles: 2,
          foundBytes: 3,
          foundFiles: 4,
          isFixed: true,
        },
      ],
    },
  },
  verify: { request: {}, reply: {} },
  settleAccounts: { request: {}, reply: {} },
  uploadsOf: {
    request: { user: "ann", after: path },
    reply: { uploads: [{ path, totalBytes: 1, heldBytes: 2, idleMs: 3, isOpen: true }] },
  },
  dropUploadOf: { request: { user: "ann", path, isForced: true }, reply: { totalBytes: 4 } },
  register: {
    request: { user: "ann", verifier: "v", note: "Ann, é", ticket: digest, invite: digest },
    reply: { outcome: "pending", reason: "", againMs: 2000 },
  },
  awaitRegistration: {
    request: { ticket: digest },
    reply: { outcome: "unknown", reason: "no", againMs: 1 },
  },
  registrations: {
    request: {},
    reply: {
      registrations: [
        { number: 7, user: "ann", address: "::1", note: "Ann", askedMs: 5, isTaken: true },
      ],
    },
  },
  decide: {
    request: { number: 7, outcome: "approved", reason: "", mayTakeFiles: true, ...limits },
    reply: { user: "ann" },
  },
  invite: {
    request: { user: undefined, ...limits, lifeMs: 1000 },
    reply: { number: 1, code: digest, expiresMs: 2, host: "::", port: 9999 },
  },
  invites: {
    request: {},
    reply: {
      invites: [
        { number: 1, user: "ann", ...limits, expiresMs: 2, status: "used", usedBy: "ann" },
        { number: 2, user: undefined, ...limits, expiresMs: 3, status: "open", usedBy: undefined },
      ],
    },
  },
  revokeInvite: { request: { number: 7 }, reply: { isRevoked: true } },
  purge: { request: { user: "ann" }, reply: {} },
  sessions: {
    request: { after: 3 },
    reply: {
      sessions: [
        {
          id: 4,
          user: "ann",
          door: "native",
          address: "::1",
          client: "ftpx 1",
          ageMs: 5,
          idleMs: 6,
          transferCount: 2,
          transfers: [
            { direction: "copy", path, doneBytes: 7, totalBytes: 8, bytesPerSecond: 9 },
            { direction: "download", path, doneBytes: 0, totalBytes: undefined, bytesPerSecond: 0 },
          ],
        },
        {
          id: 5,
          user: "",
          door: "operator",
          address: "local",
          client: "",
          ageMs: 0,
          idleMs: 0,
          transferCount: 0,
          transfers: [],
        },
      ],
    },
  },
  kick: { request: { user: "", session: 4, reason: "é" }, reply: { count: 1 } },
  drain: { request: { graceMs: undefined }, reply: { transfers: 1, graceMs: 30_000 } },
  throttling: { request: {}, reply: { sources: 3, names: 1 } },
};

export const NOTICE_SAMPLES: { readonly [Name in NoticeName]: Notice<Name> } = {
  proof: { index: 3, digest },
  ack: { offset: 2 ** 40 },
  end: { totalBytes: 2 ** 40, chunks: 7, digest },
};
