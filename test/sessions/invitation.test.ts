import { afterEach, beforeEach, expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { REGISTRATIONS_HOUR_MAX } from "../../src/base/limits.ts";
import { failureOf, outcomeOf, refusal } from "../support/refusal.ts";
import {
  accountsText,
  ADDRESS,
  admissionOf,
  application,
  directory,
  events,
  failing,
  homes,
  NONE,
  state,
  verifierOf,
  setUp,
  tearDown,
} from "./hall.ts";

const faults = () => events.filter(({ event }) => event === "fault");

const guess = () =>
  application({ user: "bob", invite: crypto.getRandomValues(new Uint8Array(16)) });

beforeEach(setUp);
afterEach(tearDown);

test("an invite makes the account at once, with its limits, once", async () => {
  const admission = admissionOf("invite");
  const limits = { ...NONE, quotaBytes: 1024, access: "upload-only" } as const;
  const { code: invite } = await admission.invite(undefined, limits, 60_000);
  const registered = await admission.register(application({ invite }), ADDRESS);

  expect(registered.row.outcome).toBe("approved");
  expect(directory.find("ann")).toMatchObject({ quotaBytes: 1024, access: "upload-only" });
  expect(homes).toEqual(["ann"]);
  const second = admission.register(application({ user: "bob", invite }), ADDRESS);
  expect(await failureOf(second)).toEqual(refusal("BAD_INVITE"));
});

test("an invite for a name that is taken is still good for another", async () => {
  await directory.add("ann", { password: verifierOf("another") });
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, NONE, 60_000);

  expect(await failureOf(admission.register(application({ invite }), ADDRESS))).toEqual(
    refusal("NAME_TAKEN", { user: "ann" }),
  );
  expect(await state.registrations()).toEqual([]);
  const other = await admission.register(application({ user: "ann2", invite }), ADDRESS);
  expect(other.row.outcome).toBe("approved");
});

test("an account that cannot be written gives the invite back; why is the operator's to know", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, NONE, 60_000);
  const details = { file: "/srv/accounts.toml", line: 1, column: 1, reason: "a secret" };
  failing.set("add", new FtpxError("BAD_ACCOUNTS", details));
  const failure = await failureOf(admission.register(application({ invite }), ADDRESS));

  expect(failure).toEqual(refusal("NOT_NOW"));
  expect((failure as FtpxError).details).toEqual({});
  expect(events).toMatchObject([
    { event: "invite" },
    { event: "fault", work: "invite", name: "ann" },
  ]);
  failing.clear();
  const again = await admission.register(application({ invite }), ADDRESS);
  expect(again.row.outcome).toBe("approved");
});

test("an invite that was used when the server was cut off is made good at the next start", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, { ...NONE, filesMax: 5 }, 60_000);
  failing.set("add", new Error("cut"));
  const sent = application({ invite });
  failing.set("withdraw", new Error("cut too"));
  expect(String(await failureOf(admissionOf().register(sent, ADDRESS)))).toContain("cut too");
  failing.clear();
  await admissionOf().finish();

  expect(directory.find("ann")?.filesMax).toBe(5);
  expect(await admission.answer(sent.ticket)).toMatchObject({ outcome: "approved" });
});

test("the same ticket with an invite twice at once makes one account", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, NONE, 60_000);
  const sent = application({ invite });
  const both = await Promise.all([
    admission.register(sent, ADDRESS),
    admission.register(sent, ADDRESS),
  ]);

  expect(both.map(({ row }) => row.outcome)).toEqual(["approved", "approved"]);
  expect([...directory.accounts.keys()]).toEqual(["ann"]);
});

test("an invite changes no account that is there, not even the one of who asks with its own verifier", async () => {
  const verifier = verifierOf("ann");
  await directory.add("ann", { password: verifier, access: "read-only" });
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, { ...NONE, access: "full" }, 60_000);
  const taken = refusal("NAME_TAKEN", { user: "ann" });
  expect(await failureOf(admission.register(application({ verifier, invite }), ADDRESS))).toEqual(
    taken,
  );
  const waiting = application({ verifier });
  await admission.register(waiting, ADDRESS);
  expect(await failureOf(admission.register({ ...waiting, invite }, ADDRESS))).toEqual(taken);

  expect(directory.find("ann")?.access).toBe("read-only");
  expect(await state.invites()).toMatchObject([{ status: "open" }]);
});

test("another invite while the account is made buys no second account", async () => {
  const admission = admissionOf();
  const good = await admission.invite(undefined, { ...NONE, filesMax: 500 }, 60_000);
  const poor = await admission.invite(undefined, { ...NONE, filesMax: 1 }, 60_000);
  const sent = application({ invite: good.code });
  const both = await Promise.all([
    admission.register(sent, ADDRESS),
    admission.register({ ...sent, invite: poor.code, verifier: verifierOf("b") }, ADDRESS),
  ]);

  expect(both.map(({ row }) => row.outcome)).toEqual(["approved", "approved"]);
  expect(directory.find("ann")?.filesMax).toBe(500);
  expect((await state.invites()).map(({ status }) => status)).toEqual(["used", "open"]);
});

test("who brings an invite while the operator denies hears what has become of the request", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, NONE, 60_000);
  const outcomes: string[] = [];
  for (const isDeniedFirst of [true, false]) {
    const sent = application({ user: isDeniedFirst ? "ann" : "bob" });
    const { row } = await admission.register(sent, ADDRESS);
    const deny = async () => {
      const decision = { outcome: "denied", reason: "", mayTakeFiles: false, ...NONE } as const;
      return await outcomeOf(admission.decide({ number: row.number, ...decision }));
    };
    const take = async () => {
      const registered = await admission.register({ ...sent, invite }, ADDRESS);
      return registered.row.outcome;
    };
    outcomes.push(...(await Promise.all(isDeniedFirst ? [deny(), take()] : [take(), deny()])));
  }

  expect(outcomes).toEqual(["none", "denied", "approved", "NOT_WAITING"]);
  expect([...directory.accounts.keys()]).toEqual(["bob"]);
});

test("an account that is there and cannot be marked is said to be there, and marked later", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, NONE, 60_000);
  failing.set("decide", new FtpxError("DISK_FULL"));
  const sent = application({ invite });
  expect((await admission.register(sent, ADDRESS)).row.outcome).toBe("approved");
  expect(await admission.answer(sent.ticket)).toMatchObject({ outcome: "approved" });
  expect(await admission.waiting()).toEqual([]);
  expect(faults()).toMatchObject([{ work: "registration", name: "ann" }]);
  expect(
    await failureOf(admission.register(application({ user: "bob", invite }), ADDRESS)),
  ).toEqual(refusal("BAD_INVITE"));
  await admission.sweep(0);
  expect(faults()).toHaveLength(1);
  failing.clear();
  await admission.sweep(0);

  expect(await state.registrations()).toEqual([]);
  expect(await admission.answer(sent.ticket)).toMatchObject({ outcome: "approved" });
});

test("who did not hear that the account was made has it with the password typed last", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, { ...NONE, filesMax: 5 }, 60_000);
  failing.set("decide", new FtpxError("DISK_FULL"));
  const sent = application({ invite });
  await admission.register(sent, ADDRESS);
  failing.clear();
  const again = { ...sent, verifier: verifierOf("typed again") };
  // After a restart, too.
  expect((await admissionOf().register(again, ADDRESS)).row.outcome).toBe("approved");

  expect(accountsText()).toContain(again.verifier);
  expect(directory.find("ann")?.filesMax).toBe(5);
  expect(await state.registrations()).toEqual([]);
});

test("A9: a source that tries codes is told when to come again, and good ones do not count", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite("ann", NONE, 60_000);
  expect((await admission.register(application({ invite }), ADDRESS)).row.outcome).toBe("approved");
  const all = Array.from({ length: REGISTRATIONS_HOUR_MAX + 5 }, () =>
    outcomeOf(admission.register(guess(), ADDRESS)),
  );
  const kinds = await Promise.all(all);

  expect(kinds.filter((kind) => kind === "BAD_INVITE")).toHaveLength(REGISTRATIONS_HOUR_MAX);
  expect(kinds.slice(-5)).toEqual(Array.from({ length: 5 }, () => "REGISTERED_OFTEN"));
  expect(await outcomeOf(admission.register(application({ user: "cem" }), ADDRESS))).toBe("none");
  expect(await outcomeOf(admission.register(guess(), "192.0.2.2"))).toBe("BAD_INVITE");
});

test("an invite that is good for ever is good until a date that can be written", async () => {
  const invitation = await admissionOf().invite(undefined, NONE, Number.MAX_SAFE_INTEGER);

  expect(new Date(invitation.expiresMs).toISOString()).toBe("9999-12-31T23:59:59.999Z");
  expect(await state.invites()).toMatchObject([{ expiresMs: invitation.expiresMs }]);
});
