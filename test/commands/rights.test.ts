/** Every row of the table against every kind of peer: what is allowed, typed by hand. */
import { expect, test } from "bun:test";
import type { Account } from "../../src/accounts/account.ts";
import { ACCESS_LEVELS } from "../../src/accounts/grants.ts";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { demandRights } from "../../src/commands/command.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { CommandName } from "../../src/commands/table.ts";
import { veiled } from "../../src/commands/veil.ts";
import { Registry } from "../../src/sessions/registry.ts";
import type { Line, Session } from "../../src/sessions/session.ts";
import type { Depot } from "../../src/vfs/depot.ts";
import { failureOf, refusal } from "../support/refusal.ts";

const PEERS = ["silent", "greeted", ...ACCESS_LEVELS, "operator"] as const;

const EVERYBODY = PEERS;
const GREETED = PEERS.filter((peer) => peer !== "silent");
const USERS = ["full", "read-only", "upload-only"];
const SIGNED_IN = [...USERS, "operator"];
const READERS = ["full", "read-only"];
const WRITERS = ["full", "upload-only"];

const MAY: Readonly<Record<CommandName, readonly string[]>> = {
  hello: EVERYBODY,
  scramFirst: GREETED,
  scramFinal: GREETED,
  list: READERS,
  stat: READERS,
  digest: READERS,
  chunkDigests: READERS,
  openDownload: READERS,
  keyFirst: GREETED,
  keyFinal: GREETED,
  register: GREETED,
  awaitRegistration: GREETED,
  passwordFirst: SIGNED_IN,
  passwordFinal: SIGNED_IN,
  quota: SIGNED_IN,
  closeTransfer: SIGNED_IN,
  makeDir: WRITERS,
  openUpload: WRITERS,
  partDigests: WRITERS,
  rewind: WRITERS,
  commit: WRITERS,
  dropUpload: WRITERS,
  // They tell of what is there.
  copy: ["full"],
  sync: ["full"],
  uploads: ["full"],
  move: ["full"],
  remove: ["full"],
  removeDir: ["full"],
  usages: ["operator"],
  purge: ["operator"],
  check: ["operator"],
  verify: ["operator"],
  settleAccounts: ["operator"],
  sessions: ["operator"],
  kick: ["operator"],
  throttling: ["operator"],
  drain: ["operator"],
  uploadsOf: ["operator"],
  dropUploadOf: ["operator"],
  decide: ["operator"],
  invite: ["operator"],
  invites: ["operator"],
  registrations: ["operator"],
  revokeInvite: ["operator"],
};

async function sessionOf(peer: string): Promise<Session> {
  const depot = { enter: async () => ({ leave: async () => {} }) } as unknown as Depot;
  const account = { name: "ann", access: peer, keys: [], isDisabled: false } as unknown as Account;
  const accounts = new Map([["ann", account]]);
  const book = { accounts, add: async () => {}, set: async () => {}, settle: async () => {} };
  const quota = { bytes: 1, files: 1 };
  const settings = { version: "", secret: new Uint8Array(32), sessionsMax: 1, graceMs: 1, quota };
  const registry = new Registry(depot, book, settings, () => {});
  const nothing = { isHeld: false, widen: () => {}, close: () => {}, drop: () => {} };
  const line: Line = { door: "native", address: "::1", binding: undefined, ...nothing };
  if (peer === "operator") {
    const operator = registry.admitOperator(line);
    operator.signInOperator();
    return operator;
  }
  const session = registry.admit(line);
  session.hasGreeted = peer !== "silent";
  if (USERS.includes(peer)) await session.signIn(account, { method: "password" });
  return session;
}

test("the table of this test names every command", () => {
  expect(Object.keys(MAY).toSorted()).toEqual(Object.keys(TABLE).toSorted());
});

test.each(PEERS)("what a peer may that is %s", async (peer) => {
  const allowed = [];
  for (const [name, row] of Object.entries(TABLE)) {
    // A stranger that asks twice is remembered as one, so each row gets a session of its own.
    const session = await sessionOf(peer);
    try {
      demandRights(session, row);
      allowed.push(name);
    } catch (error) {
      expect(error).toBeInstanceOf(FtpxError);
    }
  }
  const expected = Object.entries(MAY).filter(([, peers]) => peers.includes(peer));

  expect(allowed.toSorted()).toEqual(expected.map(([name]) => name).toSorted());
});

test.each<[ErrorKind, ErrorKind]>([
  ["EXISTS", "EXISTS"],
  ["IS_A_DIRECTORY", "EXISTS"],
  ["NOT_A_FILE", "EXISTS"],
  ["NO_SUCH_PATH", "NO_SUCH_PATH"],
  ["NOT_A_DIRECTORY", "NO_SUCH_PATH"],
  ["OUTSIDE_HOME", "NO_SUCH_PATH"],
  ["QUOTA_EXCEEDED", "QUOTA_EXCEEDED"],
])("who may not look hears of %s as %s, who may look as it is", async (kind, told) => {
  const fail = async () => {
    throw new FtpxError(kind);
  };
  const dropper = await sessionOf("upload-only");
  const owner = await sessionOf("full");

  expect(await failureOf(veiled(dropper, fail))).toEqual(refusal(told));
  expect(await failureOf(veiled(owner, fail))).toEqual(refusal(kind));
});
