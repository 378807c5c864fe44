import { beforeEach, expect, test } from "bun:test";
import type { Account } from "../../src/accounts/account.ts";
import type { Changes } from "../../src/accounts/edit.ts";
import type { Grant } from "../../src/accounts/grants.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { PROGRESS_MS_MAX, UNSIGNED_SESSIONS_MAX, WINDOW_BYTES_MIN } from "../../src/base/limits.ts";
import { HOME } from "../../src/base/path.ts";
import { fakeVerifier } from "../../src/base/verifier.ts";
import { scramFinal, scramFirst } from "../../src/commands/signin.ts";
import { Registry } from "../../src/sessions/registry.ts";
import type { Line, Session, SignInAttempt } from "../../src/sessions/session.ts";
import type { Transfer } from "../../src/sessions/transfers.ts";
import { Motion } from "../../src/transfer/motion.ts";
import type { Depot } from "../../src/vfs/depot.ts";
import { refusal } from "../support/refusal.ts";

const SECRET = new Uint8Array(32);

let registry: Registry;
let accounts: ReadonlyMap<string, Account>;
let closed: Map<Line, FtpxError>;
let opening: PromiseWithResolvers<void>;
let homesOpen: number;

beforeEach(() => {
  closed = new Map();
  opening = Promise.withResolvers<void>();
  homesOpen = 0;
  const enter = async () => {
    homesOpen += 1;
    await opening.promise;
    return { leave: async () => void (homesOpen -= 1) };
  };
  const quota = { bytes: 1, files: 1 };
  const settings = { version: "test", secret: SECRET, sessionsMax: 1000, graceMs: 1, quota };
  const depot = { enter } as unknown as Depot;
  accounts = accountsOf(account("ann"));
  const set = async (_user: string, changes: Changes) => {
    accounts = accountsOf(account("ann", {}, String(changes.password)));
  };
  const book = {
    get accounts() {
      return accounts;
    },
    add: set,
    set,
    settle: async () => {},
  };
  registry = new Registry(depot, book, settings, () => {});
});

/** Each call makes a verifier of its own, as each reading of accounts.toml does. */
function account(name: string, more: Partial<Account> = {}, seed = name): Account {
  const verifier = fakeVerifier(SECRET, seed, []);
  return { name, verifier, keys: [], access: "full", isDisabled: false, ...more } as Account;
}

function accountsOf(...all: readonly Account[]): ReadonlyMap<string, Account> {
  return new Map(all.map((one) => [one.name, one]));
}

function lineOf(door = "native", address = "::1"): Line {
  const line: Line = {
    door,
    address,
    binding: new Uint8Array(32),
    isHeld: false,
    widen: () => {},
    drop: () => {},
    close: (reason) => void closed.set(line, reason),
  };
  return line;
}

/** A session whose password was right: what is left is `scramFinal`. */
function proved(): Session {
  const session = registry.admit(lineOf());
  session.hasGreeted = true;
  prove(session);
  return session;
}

function prove(session: Session): void {
  const exchange = { final: () => ({ ok: true, serverFinal: "v=" }) };
  const held = registry.accounts.get("ann");
  session.attempt = {
    method: "password",
    user: "ann",
    account: held,
    exchange,
  } as unknown as SignInAttempt;
}

const MESSAGE = { message: "" };
const motion = new Motion("upload", HOME, 2, () => 1);
const TRANSFER: Transfer = {
  motion,
  windowBytes: 1,
  needs: ["write"],
  revoke: () => {},
  end: async () => {},
};

test.each([
  ["removed", () => accountsOf()],
  ["disabled", () => accountsOf(account("ann", { isDisabled: true }))],
  ["given another password", () => accountsOf(account("ann", {}, "other"))],
])("an account that is %s while its home is opened is not signed in", async (_case, change) => {
  const session = proved();
  const signing = scramFinal(session, MESSAGE);
  accounts = change();
  registry.reload();
  opening.resolve();

  expect(signing).rejects.toThrow(refusal("SIGN_IN_REFUSED"));
  await signing.catch(() => {});
  expect(session.isSignedIn).toBe(false);
  expect(homesOpen).toBe(0);
});

test("an account that was read again unchanged is signed in, with its new rights", async () => {
  const session = proved();
  const signing = scramFinal(session, MESSAGE);
  accounts = accountsOf(account("ann", { access: "read-only" }));
  registry.reload();
  opening.resolve();
  await signing;

  expect(session.may("read")).toBe(true);
  expect(session.may("write")).toBe(false);
});

test("a second sign-in is refused while the first is carried out, and after it", async () => {
  const session = proved();
  const first = scramFinal(session, MESSAGE);
  expect(scramFirst(session, MESSAGE)).rejects.toThrow(refusal("BAD_STATE"));
  prove(session);
  expect(scramFinal(session, MESSAGE)).rejects.toThrow(refusal("BAD_STATE"));
  opening.resolve();
  await first;
  prove(session);

  expect(scramFinal(session, MESSAGE)).rejects.toThrow(refusal("BAD_STATE"));
  expect(homesOpen).toBe(1);
});

test("who changes a password stays, the other sessions of the account end", async () => {
  opening.resolve();
  const [own, other] = [proved(), proved()];
  await scramFinal(own, MESSAGE);
  await scramFinal(other, MESSAGE);
  await registry.changeAccount("ann", { password: "another" }, own);

  expect([...closed.keys()]).toEqual([other.line]);
  expect(own.account).toBe(accounts.get("ann") as Account);
  registry.reload();
  expect(closed.size).toBe(1);
});

function fillWithStrangers(): Session[] {
  return Array.from({ length: UNSIGNED_SESSIONS_MAX }, (_hole, index) =>
    registry.admit(lineOf("native", `192.0.2.${index % 4}`)),
  );
}

test("a session makes room for one stranger, however often it is signed in and removed", () => {
  const [first] = fillWithStrangers();
  if (first === undefined) throw new Error("no session");
  const gone = new FtpxError("DRAINING");
  registry.remove(first, gone);
  registry.remove(first, gone);
  registry.admit(lineOf("native", "192.0.2.0"));

  expect(registry.porter.strangerCount).toBe(UNSIGNED_SESSIONS_MAX);
  const refused = () => registry.admit(lineOf("native", "192.0.2.1"));
  expect(refused).toThrow(refusal("SERVER_FULL"));
});

test("the operator gets in past every bound, and takes no stranger's place", () => {
  for (let index = 0; index < 200; index += 1) registry.admitOperator(lineOf("operator"));
  fillWithStrangers();
  expect(registry.porter.strangerCount).toBe(UNSIGNED_SESSIONS_MAX);

  const operator = registry.admitOperator(lineOf("operator"));
  operator.signInOperator();
  expect(operator.may("admin")).toBe(true);
});

test("a server that drains lets the operator in and nobody else, and keeps the operator to the end", () => {
  registry.drain();
  expect(() => registry.admit(lineOf())).toThrow(refusal("DRAINING"));
  registry.admitOperator(lineOf("operator")).signInOperator();
  registry.closeIdle(new FtpxError("DRAINING"));

  expect(registry.isBusy).toBe(false);
  expect(closed.size).toBe(0);
});

test("the grace of a stop can be made shorter, and not longer", async () => {
  expect(registry.stop(60_000)).toBeCloseTo(60_000);
  expect(registry.stop(1000)).toBeCloseTo(1000);
  expect(registry.stop(60_000)).toBeLessThanOrEqual(1000);
  await registry.stopping;
});

test("A7: a transfer whose right is gone is ended with it, and no other", async () => {
  const session = proved();
  opening.resolve();
  await scramFinal(session, MESSAGE);
  const revoked: unknown[] = [];
  const needing = (...needs: readonly Grant[]): Transfer => ({
    ...TRANSFER,
    needs,
    revoke: (failure) => void revoked.push([needs, failure.kind, failure.details]),
  });
  session.transfers.add(1, needing("read"));
  session.transfers.add(2, needing("write"));
  session.transfers.add(3, needing("read", "write"));
  accounts = accountsOf(account("ann", { access: "read-only" }));
  registry.reload();

  const told = ["FORBIDDEN", { right: "write" }];
  expect(revoked).toEqual([
    [["write"], ...told],
    [["read", "write"], ...told],
  ]);
});

test("R8: a client that is not read because the disk is behind is not late with its transfers", () => {
  const line = { ...lineOf(), isHeld: true };
  const { transfers } = registry.admit(line);
  const failures: string[] = [];
  transfers.add(1, {
    ...TRANSFER,
    isPeersTurn: true,
    revoke: ({ kind }) => void failures.push(kind),
  });
  const watch = (fromMs: number, toMs: number) => {
    for (let ms = fromMs; ms <= toMs; ms += 1000) transfers.watch(ms);
  };
  const startMs = performance.now();
  watch(startMs, startMs + 3 * PROGRESS_MS_MAX);
  expect(failures).toEqual([]);
  line.isHeld = false;
  watch(startMs + 3 * PROGRESS_MS_MAX, startMs + 5 * PROGRESS_MS_MAX);

  expect(failures).toContain("TRANSFER_STALLED");
});

test("a small upload asks for no larger window than it needs", () => {
  const { transfers } = registry.admit(lineOf());

  expect(transfers.nextWindowBytes(3_000_000)).toBe(3_000_000);
  expect(transfers.nextWindowBytes(0)).toBe(WINDOW_BYTES_MIN);
});

test("a server that stops begins no transfer, for the request only", () => {
  const session = registry.admit(lineOf());
  session.transfers.add(1, TRANSFER);
  registry.drain();

  expect(() => session.transfers.add(2, TRANSFER)).toThrow(refusal("SERVER_STOPPING"));
  expect(new FtpxError("SERVER_STOPPING").row).toMatchObject({ ends: "request", exit: 69 });
  expect([...session.transfers.open.keys()]).toEqual([1]);
});

test("idle sessions are closed; those with a transfer or a request when it has ended", async () => {
  const idle = registry.admit(lineOf());
  const sending = registry.admit(lineOf());
  const asking = registry.admit(lineOf());
  sending.transfers.add(1, TRANSFER);
  const asked = Promise.withResolvers<void>();
  const asks = asking.during(() => asked.promise);
  const reason = new FtpxError("DRAINING");
  registry.closeIdle(reason);
  expect([...closed]).toEqual([[idle.line, reason]]);
  expect(registry.isBusy).toBe(true);

  await sending.transfers.end(1, reason);
  asked.resolve();
  await asks;
  registry.closeIdle(reason);
  expect([...closed.keys()]).toEqual([idle.line, sending.line, asking.line]);
  expect(registry.isBusy).toBe(false);
});
