/** Real sign-ins over a real registry, from addresses of choice. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { PENALTY_MS_MIN } from "../../src/base/limits.ts";
import type { Session } from "../../src/sessions/session.ts";
import { kindOf, outcomeOf } from "../support/refusal.ts";
import { keyLine, SignIns, verifierOf } from "../support/signins.ts";

let signIns: SignIns;

beforeEach(async () => {
  signIns = await SignIns.open({
    ann: { password: await verifierOf("pw"), keys: [keyLine(1)] },
    bob: { password: await verifierOf("pw") },
    off: { password: await verifierOf("pw"), disabled: true },
    bare: { keys: [keyLine(1)] },
  });
});

afterEach(() => signIns.close());

const LOST = new FtpxError("CONNECTION_LOST");

const told = (event: string) => signIns.events.filter((one) => one.event === event);

/** A new connection that tries once. */
async function tried(user: string, password: string, address: string): Promise<string> {
  const trying = async () => await signIns.byPassword(signIns.session(address), user, password);
  return await outcomeOf(trying());
}

async function shutOut(address: string): Promise<void> {
  for (let count = 0; count < 4; count += 1) await tried("nobody", "x", address);
  expect(told("throttled").at(-1)).toMatchObject({ address });
}

test("A1: every kind of name costs a source the same and is answered the same", async () => {
  const kinds = ["ann", "nobody", "off", "bare", "__proto__", "x".repeat(200)];
  for (const [index, user] of kinds.entries()) {
    const outcomes: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      outcomes.push(await tried(user, "wrong", `192.0.2.${index}`));
    }
    expect([user, ...outcomes]).toEqual([
      user,
      "SIGN_IN_REFUSED",
      "SIGN_IN_REFUSED",
      "SIGN_IN_REFUSED",
      expect.stringMatching(/SIGN_IN_REFUSED|THROTTLED/),
      "THROTTLED",
    ]);
  }
  expect(told("throttled").length).toBe(kinds.length);
});

test("A5: a source that is shut out is not even let in, is told when to come, and others are", async () => {
  await shutOut("192.0.2.7");
  const refused = kindOf(() => void signIns.session("192.0.2.7"));
  expect(refused).toBe("THROTTLED");
  try {
    signIns.session("::ffff:192.0.2.7");
  } catch (error) {
    const { retryAfterMs = 0 } = (error as FtpxError).details;
    expect(retryAfterMs).toBeGreaterThan(PENALTY_MS_MIN / 2);
  }
  expect(signIns.registry.counters.refusedSessions).toBe(2);
  expect(await tried("ann", "pw", "192.0.2.8")).toBe("none");
});

test("A5: many proofs on their way at once are judged one by one, until the source is shut out", async () => {
  const sessions = Array.from({ length: 12 }, () => signIns.session("192.0.2.7"));
  const outcomes = await Promise.all(
    sessions.map((session) => outcomeOf(signIns.byPassword(session, "nobody", "x"))),
  );
  const judged = outcomes.filter((kind) => kind === "SIGN_IN_REFUSED").length;
  expect(judged).toBeLessThanOrEqual(4);
  expect(outcomes.filter((kind) => kind === "THROTTLED").length).toBe(12 - judged);
  expect(told("login-failed").length).toBe(judged);
});

test("who has signed in from an address gets in there when strangers are shut out, and no other", async () => {
  expect(await tried("ann", "pw", "192.0.2.7")).toBe("none");
  await shutOut("192.0.2.7");

  expect(await tried("bob", "pw", "192.0.2.7")).toBe("THROTTLED");
  expect(await outcomeOf(signIns.byKey(signIns.session("192.0.2.7"), 9))).toBe("THROTTLED");
  // Or it would tell who is known there.
  expect(await tried("ann", "wrong", "192.0.2.7")).toBe("THROTTLED");
  expect(await tried("ann", "pw", "192.0.2.7")).toBe("none");
  await signIns.change("ann", { password: await verifierOf("new") });
  expect(await tried("ann", "new", "192.0.2.7")).toBe("THROTTLED");
});

test("A5: a guarded account lets keys in, tells the operator once, and is free when the operator acts", async () => {
  for (let count = 0; count < 100; count += 1) {
    signIns.registry.porter.throttle.failed(
      { user: "ann", source: `s${count}`, method: "password", isShared: false },
      performance.now() - 61_000,
    );
  }
  expect(await tried("ann", "pw", "192.0.2.7")).toBe("THROTTLED");
  expect(await outcomeOf(signIns.byKey(signIns.session("192.0.2.7"), 1))).toBe("none");
  expect(await tried("ann", "pw", "192.0.2.7")).toBe("none");
  expect(await tried("ann", "pw", "192.0.2.8")).toBe("THROTTLED");

  await signIns.change("ann", { quota: "1 GiB" });
  expect(await tried("ann", "pw", "192.0.2.8")).toBe("none");
});

test("the hundredth failure in a row is told to the operator, of accounts only", async () => {
  for (const user of ["ann", "nobody"]) {
    for (let count = 0; count < 101; count += 1) {
      const session = signIns.session(`10.1.${user.length}.${count}`);
      kindOf(() => signIns.registry.porter.failed(session, user, "password"));
      await session.end(LOST);
    }
  }
  expect(told("guarded").map(({ name }) => name)).toEqual(["ann"]);
});

interface Going {
  readonly as: string;
  readonly change?: (session: Session) => void;
  readonly failure?: ErrorKind;
  /** So many of them shut a source out. */
  readonly count: number | undefined;
}

test.each<Going>([
  { as: "went without TLS", count: 15 },
  {
    as: "greeted and went",
    change: (one) => (one.hasGreeted = one.hasShakenHands = true),
    count: 15,
  },
  { as: "did not sign in in time", failure: "SIGN_IN_TOO_LATE", count: 2 },
  { as: "sent what is no frame", failure: "BAD_FRAME", count: 15 },
  { as: "only looked at the key", change: (one) => (one.hasShakenHands = true), count: 75 },
  { as: "asked for an account", change: (one) => (one.registrationCalls = 1), count: undefined },
  { as: "was sent away", failure: "KICKED", count: undefined },
  { as: "met the end of the server", failure: "DRAINING", count: undefined },
])("a stranger that $as shuts its source out after so many", async ({ change, failure, count }) => {
  const { registry } = signIns;
  const most = 120;
  let come = 0;
  while (come < most) {
    let session: Session;
    try {
      session = signIns.session("192.0.2.7");
    } catch (error) {
      expect(error).toMatchObject({ kind: "THROTTLED" });
      break;
    }
    come += 1;
    // A greeting says as much as a handshake.
    session.hasGreeted = false;
    change?.(session);
    await session.end(failure === undefined ? LOST : new FtpxError(failure));
  }
  if (count === undefined) expect(come).toBe(most);
  else expect(Math.abs(come - count)).toBeLessThanOrEqual(Math.ceil(count / 10));
  expect(registry.porter.strangerCount).toBe(0);
});

test("sessions of one account are bounded, and the number is told; one that ends makes room", async () => {
  await signIns.close();
  signIns = await SignIns.open({ ann: { password: await verifierOf("pw") } }, { sessionsMax: 12 });
  const sessions = Array.from({ length: 4 }, (_hole, index) => signIns.session(`10.2.0.${index}`));
  const outcomes = await Promise.all(
    sessions.map((session) => outcomeOf(signIns.byPassword(session, "ann", "pw"))),
  );
  expect(outcomes.toSorted()).toEqual(["USER_FULL", "none", "none", "none"]);
  const { details } = await signIns.byPassword(signIns.session("10.2.0.9"), "ann", "pw").then(
    () => LOST,
    (error: FtpxError) => error,
  );
  expect(details).toEqual({ limit: 3 });
  const own = sessions.find(({ account }) => account !== undefined);
  await own?.end(LOST);
  expect(await tried("ann", "pw", "10.2.0.9")).toBe("none");
});

test("sessions of one source are bounded by half of all, of an exempt one by all", async () => {
  await signIns.close();
  const users = { ann: { password: await verifierOf("pw") } };
  const limits = { sessionsMax: 8, userSessionsMax: 8, exempt: ["198.51.100.0/24"] };
  signIns = await SignIns.open(users, limits);
  for (let count = 0; count < 4; count += 1) {
    expect(await tried("ann", "pw", "192.0.2.7")).toBe("none");
  }
  expect(kindOf(() => void signIns.session("192.0.2.7"))).toBe("SOURCE_FULL");
  for (let count = 0; count < 4; count += 1) signIns.session("198.51.100.7");
  expect(kindOf(() => void signIns.session("198.51.100.8"))).toBe("SERVER_FULL");
});

test("an exempt address is not shut out, and guesses at an account there are slowed", async () => {
  await signIns.close();
  const users = { ann: { password: await verifierOf("pw") } };
  signIns = await SignIns.open(users, { exempt: ["192.0.2.7"] });
  const outcomes: string[] = [];
  for (let count = 0; count < 6; count += 1) outcomes.push(await tried("ann", "x", "192.0.2.7"));
  expect(outcomes.slice(0, 2)).toEqual(["SIGN_IN_REFUSED", "SIGN_IN_REFUSED"]);
  expect(outcomes.slice(-1)).toEqual(["THROTTLED"]);
  expect(await tried("bob", "x", "192.0.2.7")).toBe("SIGN_IN_REFUSED");
  expect(told("throttled")).toEqual([]);
});
