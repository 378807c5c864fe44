import { afterEach, beforeEach, expect, test } from "bun:test";
import type { FtpxError } from "../../src/base/errors.ts";
import {
  ANSWER_AGAIN_MS_MAX,
  ANSWER_AGAIN_MS_MIN,
  REGISTRATIONS_HOUR_MAX,
  SOURCE_WAITING_MAX,
} from "../../src/base/limits.ts";
import type { Application } from "../../src/sessions/admission.ts";
import { failureOf, refusal } from "../support/refusal.ts";
import {
  accountsText,
  ADDRESS,
  admissionOf,
  application,
  directory,
  events,
  failing,
  homes,
  leftHomes,
  NONE,
  state,
  verifierOf,
  setUp,
  tearDown,
} from "./hall.ts";

beforeEach(setUp);
afterEach(tearDown);

test("a request is approved: account, home, answer, event; the verifier is in no event", async () => {
  const admission = admissionOf();
  const before = accountsText();
  const sent = application();
  const { row } = await admission.register(sent, ADDRESS);
  expect(accountsText()).toBe(before);
  const { number } = row;
  const limits = { quotaBytes: 1024 ** 3, filesMax: 7, access: "read-only" } as const;

  expect(
    await admission.decide({
      number,
      outcome: "approved",
      reason: "",
      mayTakeFiles: false,
      ...limits,
    }),
  ).toBe("ann");
  expect(directory.find("ann")).toMatchObject({ quotaBytes: 1024 ** 3, filesMax: 7 });
  expect(directory.find("ann")?.access).toBe("read-only");
  expect(homes).toEqual(["ann"]);
  expect(await admission.answer(sent.ticket)).toMatchObject({ outcome: "approved" });
  expect(events).toMatchObject([{ event: "registration-decided", outcome: "approved" }]);
  expect(JSON.stringify(events)).not.toContain("argon2id");
  const again = admission.decide({
    number,
    outcome: "denied",
    reason: "",
    mayTakeFiles: false,
    ...NONE,
  });
  expect(await failureOf(again)).toEqual(refusal("NOT_WAITING"));
});

test("I2: a.b is one quoted key, and no account a is made", async () => {
  const admission = admissionOf();
  const { row } = await admission.register(application({ user: "a.b" }), ADDRESS);
  await admission.decide({
    number: row.number,
    outcome: "approved",
    reason: "",
    mayTakeFiles: false,
    ...NONE,
  });

  expect(accountsText()).toContain('[users."a.b"]');
  expect([...directory.accounts.keys()]).toEqual(["a.b"]);
});

test.each([
  'a"]\n[users.root]\nadmin=true',
  "__proto__",
  "constructor ",
  "",
  "x".repeat(33),
  "a\0",
  "\ufffd",
  "Ann",
  "../a",
])("I2: the name %j is refused, whatever mode and invite, and nothing is kept", async (user) => {
  const admission = admissionOf();
  const before = accountsText();

  expect(await failureOf(admission.register(application({ user }), ADDRESS))).toEqual(
    refusal("BAD_REGISTRATION"),
  );
  expect(await state.registrations()).toEqual([]);
  expect(accountsText()).toBe(before);
});

const GOOD = verifierOf("x");

test.each([
  ["of another form", "plain"],
  ["empty", ""],
  ["with a line end", `${GOOD}\n[users.root]`],
  ["with a quotation mark", `${GOOD}"`],
  ["dear to derive", GOOD.replace(/m=\d+/, "m=999999999")],
  ["cheap to derive", GOOD.replace(/m=\d+/, "m=8")],
  ["of many lanes", GOOD.replace("p=1", "p=4")],
  ["with a short salt", GOOD.replace(/\$[^$]+\$(?=[^$]+\$[^$]+$)/, "$AAAA$")],
  ["of parameters of its own", GOOD.replace("t=2", "t=3")],
  ["with keys of zero", GOOD.replace(/[^$]+$/, "A".repeat(43))],
])("a verifier that is %s is refused, and is not in the refusal", async (_case, verifier) => {
  const failure = await failureOf(admissionOf().register(application({ verifier }), ADDRESS));

  expect(failure).toEqual(refusal("BAD_REGISTRATION"));
  const [, , ...secrets] = verifier.split("$");
  const { details } = failure as FtpxError;
  for (const secret of secrets) expect(JSON.stringify(details)).not.toContain(secret);
  expect(await state.registrations()).toEqual([]);
});

test("A1: a request for a taken name is answered as one for a free one; the operator sees it", async () => {
  await directory.add("bob", { password: verifierOf("bob") });
  const admission = admissionOf();
  const free = await admission.register(application(), ADDRESS);
  const taken = await admission.register(application({ user: "bob" }), ADDRESS);

  expect(taken.row.outcome).toBe(free.row.outcome);
  expect(Object.keys(taken.row)).toEqual(Object.keys(free.row));
  const waiting = await admission.waiting();
  expect(waiting.map(({ user, isTaken }) => [user, isTaken])).toEqual([
    ["ann", false],
    ["bob", true],
  ]);
  const { number } = taken.row;
  const approving = admission.decide({
    number,
    outcome: "approved",
    reason: "",
    mayTakeFiles: false,
    ...NONE,
  });
  expect(await failureOf(approving)).toEqual(refusal("ACCOUNT_EXISTS", { user: "bob" }));
  expect((await admission.waiting()).length).toBe(2);
});

test("what a removed account has left is handed over only when the operator says so", async () => {
  leftHomes.add("ann");
  const admission = admissionOf();
  const { row } = await admission.register(application(), ADDRESS);
  const decision = { number: row.number, outcome: "approved", reason: "", ...NONE } as const;
  const failure = await failureOf(admission.decide({ ...decision, mayTakeFiles: false }));

  expect(failure).toEqual(refusal("EXISTS", { path: "storage/ann" }));
  expect(directory.find("ann")).toBeUndefined();
  expect(await failureOf(admission.invite("ann", NONE, 60_000))).toEqual(
    refusal("EXISTS", { path: "storage/ann" }),
  );
  expect(await admission.invites()).toEqual([]);
  const { code: invite } = await admission.invite(undefined, NONE, 60_000);
  expect(await failureOf(admission.register(application({ invite }), ADDRESS))).toEqual(
    refusal("NAME_TAKEN"),
  );
  expect(await admission.decide({ ...decision, mayTakeFiles: true })).toBe("ann");
  expect(directory.find("ann")).toBeDefined();
});

test("a crash between accounts.toml and the answer is finished by approving again", async () => {
  const admission = admissionOf();
  const { row } = await admission.register(application(), ADDRESS);
  const decision = {
    number: row.number,
    outcome: "approved",
    reason: "",
    mayTakeFiles: false,
    ...NONE,
  } as const;
  failing.set("decide", new Error("cut"));
  expect(String(await failureOf(admission.decide(decision)))).toContain("cut");
  expect(directory.find("ann")).toBeDefined();
  failing.clear();

  const limits = { ...NONE, quotaBytes: 1024 };
  expect(await admissionOf().decide({ ...decision, ...limits })).toBe("ann");
  expect(directory.find("ann")?.quotaBytes).toBe(1024);
  expect(await state.registrations()).toEqual([]);
});

test("what a crash has left is finished at the next start, and others go on waiting", async () => {
  const admission = admissionOf();
  await directory.add("bob", { password: verifierOf("another") });
  const sent = application();
  const cutTicket = sent.ticket;
  const cut = await admission.register(sent, ADDRESS);
  await admission.register(application({ user: "bob" }), ADDRESS);
  await admission.register(application({ user: "cem" }), ADDRESS);
  await directory.add("ann", { password: cut.row.verifier });
  await admissionOf().finish();

  expect((await admission.waiting()).map(({ user }) => user)).toEqual(["bob", "cem"]);
  expect(await admission.answer(cutTicket)).toMatchObject({ outcome: "approved" });
});

test("a request that waits has the password that was typed last", async () => {
  const admission = admissionOf();
  const sent = application();
  const { row } = await admission.register(sent, ADDRESS);
  const again = { ...sent, verifier: verifierOf("typed again") };
  expect((await admission.register(again, ADDRESS)).row.number).toBe(row.number);
  const decision = { outcome: "approved", reason: "", mayTakeFiles: false, ...NONE } as const;
  await admission.decide({ number: row.number, ...decision });

  expect(accountsText()).toContain(again.verifier);
});

test.each([
  ["invite", false, "REGISTRATION_OFF"],
  ["off", false, "REGISTRATION_OFF"],
  ["off", true, "REGISTRATION_OFF"],
] as const)("mode %s, invited %j: %s", async (mode, isInvited, kind) => {
  const { code } = await admissionOf("open").invite(undefined, NONE, 60_000);
  const invite = isInvited ? code : undefined;
  const admission = admissionOf(mode);

  expect(await failureOf(admission.register(application({ invite }), ADDRESS))).toEqual(
    refusal(kind),
  );
  if (mode === "off") {
    expect(await failureOf(admission.invite(undefined, NONE, 1))).toEqual(
      refusal("REGISTRATION_OFF"),
    );
  }
});

test("A9: a source that asks and asks is told when to come again, even if it is answered", async () => {
  const admission = admissionOf();
  let first: Application | undefined;
  for (let index = 0; index < REGISTRATIONS_HOUR_MAX; index += 1) {
    const sent = application();
    first ??= sent;
    const { row } = await admission.register(sent, ADDRESS);
    const { number } = row;
    await admission.decide({ number, outcome: "denied", reason: "", mayTakeFiles: false, ...NONE });
  }

  const failure = await failureOf(admission.register(application(), ADDRESS));
  expect(failure).toEqual(refusal("REGISTERED_OFTEN", { limit: REGISTRATIONS_HOUR_MAX }));
  expect((failure as FtpxError).details.retryAfterMs).toBeGreaterThan(3_500_000);
  // The same request again is no new one, and another source is not concerned.
  if (first !== undefined) {
    expect((await admission.register(first, ADDRESS)).row.outcome).toBe("denied");
  }
  expect((await admission.register(application(), "192.0.2.2")).row.outcome).toBe("pending");
});

test("the more wait, the later they are told to ask again", async () => {
  const admission = admissionOf();
  expect(admission.againMs).toBe(ANSWER_AGAIN_MS_MIN);
  for (let index = 0; index < 300; index += 1) {
    const address = `192.0.2.${Math.floor(index / SOURCE_WAITING_MAX)}`;
    await admission.register(application(), address);
  }

  expect(admission.againMs).toBeGreaterThan(ANSWER_AGAIN_MS_MIN);
  expect(admission.againMs).toBeLessThanOrEqual(ANSWER_AGAIN_MS_MAX);
});
