import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import type { FtpxError } from "../../src/base/errors.ts";
import { RENEWALS_HOUR_MAX } from "../../src/base/limits.ts";
import { proveRenewal } from "../../src/base/renewal.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import { passwordFinal, passwordFirst } from "../../src/commands/renewals.ts";
import type { Session } from "../../src/sessions/session.ts";
import { outcomeOf } from "../support/refusal.ts";
import { keyLine, newVerifierOf, SignIns, verifierOf } from "../support/signins.ts";

let signIns: SignIns;

beforeEach(async () => {
  signIns = await SignIns.open({
    ann: { password: await verifierOf("pw"), keys: [keyLine(1)] },
    bob: { keys: [keyLine(2)] },
    reader: { password: await verifierOf("pw"), access: "read-only" },
    sender: { password: await verifierOf("pw"), access: "upload-only" },
  });
});

afterEach(() => signIns.close());

/** A change as a client makes it; `claim` replaces what its proof is about. */
async function change(session: Session, current: string, next: string, claim: object = {}) {
  const { salt, nonce, ...parameters } = await passwordFirst(session);
  const keys = await new DerivedKeys(() => current).keysFor(salt, parameters);
  const { binding = new Uint8Array(0), fingerprint = "" } = session.line;
  const verifier = await newVerifierOf(next);
  const user = session.account?.name ?? "";
  const about = { binding, fingerprint, user, nonce, verifier, ...claim };
  await passwordFinal(session, { proof: proveRenewal(about, keys), verifier });
}

async function signedIn(user = "ann", password = "pw"): Promise<Session> {
  const session = signIns.session();
  await signIns.byPassword(session, user, password);
  return session;
}

test("the current password sets a new one: other sessions end, this one stays", async () => {
  const [own, other] = [await signedIn(), await signedIn()];
  const byKey = signIns.session();
  await signIns.byKey(byKey, 1);
  await change(own, "pw", "new");

  expect([...signIns.closed.keys()]).toEqual([other]);
  expect(await outcomeOf(signedIn("ann", "pw"))).toBe("SIGN_IN_REFUSED");
  expect(await outcomeOf(signedIn("ann", "new"))).toBe("none");
  expect(signIns.events).toContainEqual(expect.objectContaining({ event: "passwd", user: "ann" }));
  await change(own, "new", "newer");
  expect(await outcomeOf(signedIn("ann", "newer"))).toBe("none");
});

test.each(["reader", "sender"])(
  "%s changes the own password, whatever else it may do",
  async (user) => {
    await change(await signedIn(user), "pw", "new");

    expect(await outcomeOf(signedIn(user, "new"))).toBe("none");
  },
);

test("a session that was opened by a key proves the password, and stays", async () => {
  const session = signIns.session();
  await signIns.byKey(session, 1);

  expect(await outcomeOf(change(session, "wrong", "new"))).toBe("PASSWORD_REFUSED");
  await change(session, "pw", "new");
  expect(signIns.closed.size).toBe(0);
  expect(await outcomeOf(signedIn("ann", "new"))).toBe("none");
});

test("an account without a password gets none", async () => {
  const session = signIns.session();
  await signIns.byKey(session, 2, { user: "bob" });

  expect(await outcomeOf(passwordFirst(session))).toBe("PASSWORD_REFUSED");
});

test("the operator has no password to change", async () => {
  const session = signIns.session();
  session.signInOperator();

  expect(await outcomeOf(passwordFirst(session))).toBe("FORBIDDEN");
});

test("A5: the third wrong password ends the session, and a right one begins the count anew", async () => {
  const session = await signedIn();
  const before = await readFile(signIns.file);

  expect(await outcomeOf(change(session, "wrong", "new"))).toBe("PASSWORD_REFUSED");
  expect(await outcomeOf(change(session, "wrong", "new"))).toBe("PASSWORD_REFUSED");
  expect(await readFile(signIns.file)).toEqual(before);
  await change(session, "pw", "new");
  expect(await outcomeOf(change(session, "pw", "x"))).toBe("PASSWORD_REFUSED");
  expect(await outcomeOf(change(session, "pw", "x"))).toBe("PASSWORD_REFUSED");
  expect(await outcomeOf(change(session, "pw", "x"))).toBe("TOO_MANY_TRIES");
  expect(signIns.events.filter(({ event }) => event === "passwd-failed")).toHaveLength(5);
});

/** As a client asks before it asks for the new one. */
async function prove(session: Session, current: string, claim: object = {}) {
  const { salt, nonce, ...parameters } = await passwordFirst(session);
  const keys = await new DerivedKeys(() => current).keysFor(salt, parameters);
  const { binding = new Uint8Array(0), fingerprint = "" } = session.line;
  const about = { binding, fingerprint, user: "ann", nonce, verifier: "", ...claim };
  await passwordFinal(session, { proof: proveRenewal(about, keys), verifier: "" });
}

test("A5: the current password is proved alone: nothing changes, wrong ones count, a right one does not", async () => {
  const [session, other] = [await signedIn(), await signedIn()];
  const before = await readFile(signIns.file);

  expect(await outcomeOf(prove(session, "wrong"))).toBe("PASSWORD_REFUSED");
  for (let tries = 0; tries < 5; tries += 1) await prove(session, "pw");
  expect(await outcomeOf(prove(session, "wrong"))).toBe("PASSWORD_REFUSED");
  // A proof about a new password is none of the current one alone, nor the other way round.
  const verifier = await newVerifierOf("new");
  expect(await outcomeOf(prove(session, "pw", { verifier }))).toBe("PASSWORD_REFUSED");
  expect(await readFile(signIns.file)).toEqual(before);
  expect(await outcomeOf(prove(session, "wrong"))).toBe("TOO_MANY_TRIES");
  expect(signIns.closed.has(other)).toBe(false);
  expect(await outcomeOf(change(other, "pw", "new", { verifier: "" }))).toBe("PASSWORD_REFUSED");
  expect(signIns.events.map(({ event }) => event)).not.toContain("passwd");
});

test("A5: beginnings count too", async () => {
  const session = await signedIn();
  for (let tries = 0; tries < 3; tries += 1) await passwordFirst(session);

  expect(await outcomeOf(passwordFirst(session))).toBe("TOO_MANY_TRIES");
});

const OTHER = new Uint8Array(32).fill(0x55);

test.each([
  ["another connection", { binding: OTHER }],
  ["another server", { fingerprint: "" }],
  ["another user", { user: "reader" }],
  ["another nonce", { nonce: OTHER }],
  ["another new password", { verifier: "x" }],
])("A10: a proof for %s is refused", async (_case, claim) => {
  const session = await signedIn();

  expect(await outcomeOf(change(session, "pw", "new", claim))).toBe("PASSWORD_REFUSED");
  expect(await outcomeOf(signedIn("ann", "pw"))).toBe("none");
});

test("A10: the last step comes once, and behind a first one", async () => {
  const session = await signedIn();
  const proof = new Uint8Array(32);
  const verifier = await newVerifierOf("new");
  expect(await outcomeOf(passwordFinal(session, { proof, verifier }))).toBe("BAD_STATE");

  await passwordFirst(session);
  expect(await outcomeOf(passwordFinal(session, { proof, verifier }))).toBe("PASSWORD_REFUSED");
  expect(await outcomeOf(passwordFinal(session, { proof, verifier }))).toBe("BAD_STATE");
});

test("A6: a proof brings no malformed verifier into the file", async () => {
  const good = await newVerifierOf("new");
  const wrong = [
    " ",
    "plain",
    good.replace("m=19456", "m=1"),
    good.replace("m=19456", "m=4194304"),
    // A1: who could choose would see which names take them over.
    good.replace("m=19456", "m=19457"),
    good.replace("t=2", "t=3"),
    good.replace(/\$[^$]*$/, `$${Buffer.alloc(32).toString("base64").replace(/=+$/, "")}`),
    `${good}"\n[users.root]\naccess = "full"`,
  ];
  const before = await readFile(signIns.file);
  for (const verifier of wrong) {
    const session = await signedIn();
    const { salt, nonce, ...parameters } = await passwordFirst(session);
    const keys = await new DerivedKeys(() => "pw").keysFor(salt, parameters);
    const { binding = OTHER, fingerprint = "" } = session.line;
    const about = { binding, fingerprint, user: "ann", nonce, verifier };
    const proof = proveRenewal(about, keys);
    expect(await outcomeOf(passwordFinal(session, { proof, verifier }))).toBe("BAD_BODY");
  }
  expect(await readFile(signIns.file)).toEqual(before);
});

test("of two changes at once one is made, and the other is refused", async () => {
  const [one, two] = [await signedIn(), await signedIn()];
  const outcomes = await Promise.all([
    outcomeOf(change(one, "pw", "first")),
    outcomeOf(change(two, "pw", "second")),
  ]);

  expect(outcomes.toSorted()).toEqual(["PASSWORD_REFUSED", "none"]);
  const winner = outcomes[0] === "none" ? "first" : "second";
  expect(await outcomeOf(signedIn("ann", winner))).toBe("none");
});

test("what the operator has just set is not written over by who knew the old password", async () => {
  const session = await signedIn();
  await signIns.changeBehind("ann", { password: await verifierOf("operator's") });
  const set = await readFile(signIns.file);

  expect(await outcomeOf(change(session, "pw", "mine"))).toBe("PASSWORD_REFUSED");
  expect(await readFile(signIns.file)).toEqual(set);
});

test("A7: a disabled account changes no password, and is signed off however often it tries", async () => {
  const session = await signedIn();
  await signIns.changeBehind("ann", { disabled: true });
  const set = await readFile(signIns.file);

  expect(await outcomeOf(change(session, "pw", "new"))).toBe("ACCOUNT_CLOSED");
  expect(await readFile(signIns.file)).toEqual(set);
});

test("A7: a key that was taken away changes no password", async () => {
  const session = signIns.session();
  await signIns.byKey(session, 1);
  await signIns.changeBehind("ann", { keys: [keyLine(3)] });

  expect(await outcomeOf(change(session, "pw", "new"))).toBe("ACCOUNT_CLOSED");
  expect(await outcomeOf(signedIn("ann", "pw"))).toBe("none");
});

test("A7: the change of password that spares a session does not spare it anything else", async () => {
  const session = await signedIn();
  const password = await newVerifierOf("new");
  await signIns.registry.changeAccount("ann", { password, disabled: true }, session);

  expect([...signIns.closed.keys()]).toEqual([session]);
});

test("an account changes its password so often in an hour, and no more", async () => {
  const session = await signedIn();
  const { renewals } = signIns.registry;
  const nowMs = performance.now();
  for (let count = 1; count < RENEWALS_HOUR_MAX; count += 1) renewals.note("ann", nowMs);
  await change(session, "pw", "last");
  const failure: unknown = await change(session, "last", "x").catch((error: unknown) => error);

  expect(failure).toMatchObject({ kind: "PASSWORD_REFUSED" });
  expect((failure as FtpxError).details.retryAfterMs).toBeGreaterThan(3_500_000);
  expect(await outcomeOf(signedIn("ann", "last"))).toBe("none");
});

test("a mistake in accounts.toml is no user's business: refused, and no path told", async () => {
  const session = await signedIn();
  await Bun.write(
    signIns.file,
    `${await readFile(signIns.file, "utf8")}\n[users.x]\nquota = "much"\n`,
  );
  const failure: unknown = await change(session, "pw", "new").catch((error: unknown) => error);

  expect(failure).toMatchObject({ kind: "PASSWORD_REFUSED" });
  expect(JSON.stringify((failure as { details: object }).details)).not.toContain("/");
  expect(signIns.events).toContainEqual(
    expect.objectContaining({ event: "fault", work: "passwd", reason: "BAD_ACCOUNTS" }),
  );
});

test("F6: on a full disk the password stays, the file too, and so do all sessions", async () => {
  const [own, other] = [await signedIn(), await signedIn()];
  const before = await readFile(signIns.file);
  signIns.isFull = true;
  const failure: unknown = await change(own, "pw", "new").catch((error: unknown) => error);

  expect(failure).toMatchObject({ kind: "DISK_FULL", details: {} });
  expect(await readFile(signIns.file)).toEqual(before);
  expect(signIns.closed.size).toBe(0);
  expect(await outcomeOf(signedIn("ann", "pw"))).toBe("none");
  signIns.isFull = false;
  await change(own, "pw", "new");
  expect([...signIns.closed.keys()]).toContain(other);
});
