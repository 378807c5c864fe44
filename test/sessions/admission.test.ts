import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { AccountDirectory } from "../../src/accounts/directory.ts";
import { FtpxError } from "../../src/base/errors.ts";
import type { ServerEvent } from "../../src/base/events.ts";
import {
  ANSWER_AGAIN_MS_MAX,
  ANSWER_AGAIN_MS_MIN,
  REGISTRATIONS_HOUR_MAX,
  SOURCE_WAITING_MAX,
} from "../../src/base/limits.ts";
import { fakeVerifier, formatVerifier } from "../../src/base/verifier.ts";
import { Admission } from "../../src/sessions/admission.ts";
import type { AdmissionGround, Application } from "../../src/sessions/admission.ts";
import type { RegistrationMode } from "../../src/sessions/admission.ts";
import type { State } from "../../src/state/contract.ts";
import { openState } from "../../src/state/state.ts";
import { Folder } from "../support/folder.ts";
import { failureOf, refusal } from "../support/refusal.ts";

const NONE = { quotaBytes: undefined, filesMax: undefined, access: undefined };
const ADDRESS = "192.0.2.1";

/** What can be cut off while an account is made. */
type Step = "add" | "home" | "decide" | "withdraw";

let folder: Folder;
let state: State;
let directory: AccountDirectory;
let events: ServerEvent[];
let homes: string[];
/** Steps of making an account that fail, by name. */
let failing: Map<Step, unknown>;

beforeEach(async () => {
  folder = new Folder();
  state = await openState(folder.at("state.db"));
  directory = new AccountDirectory(folder.at("accounts.toml"), async () => async () => {});
  await directory.create();
  [events, homes, failing] = [[], [], new Map()];
});

afterEach(async () => {
  await state.close();
  folder.remove();
});

function stumble(step: Step): void {
  const failure = failing.get(step);
  if (failure !== undefined) throw failure;
}

function admissionOf(mode: RegistrationMode = "open"): Admission {
  const ground: AdmissionGround = {
    state: {
      ...state,
      decide: async (...decision) => {
        stumble("decide");
        return await state.decide(...decision);
      },
      withdraw: async (number) => {
        stumble("withdraw");
        await state.withdraw(number);
      },
    },
    accounts: () => directory.accounts,
    add: async (user, fields) => {
      stumble("add");
      await directory.add(user, fields);
    },
    set: (user, changes) => directory.set(user, changes),
    makeHome: async (user) => {
      stumble("home");
      homes.push(user);
    },
    emit: (event) => void events.push(event),
  };
  return new Admission(ground, mode);
}

function verifierOf(seed: string): string {
  return formatVerifier(fakeVerifier(new Uint8Array(32), seed, []));
}

let lastTicket = 0;

function application(wish: Partial<Application> = {}): Application {
  const ticket = new Uint8Array(16);
  new DataView(ticket.buffer).setUint32(0, (lastTicket += 1));
  const usual = { user: "ann", verifier: verifierOf("ann"), note: "", ticket, invite: undefined };
  return { ...usual, ...wish };
}

function accountsText(): string {
  return readFileSync(folder.at("accounts.toml"), "utf8");
}

test("a request is approved: account, home, answer, event; the verifier is in no event", async () => {
  const admission = admissionOf();
  const before = accountsText();
  const sent = application();
  const { row } = await admission.register(sent, ADDRESS);
  expect(accountsText()).toBe(before);
  const { number } = row;
  const limits = { quotaBytes: 1024 ** 3, filesMax: 7, access: "read-only" } as const;

  expect(await admission.decide({ number, outcome: "approved", reason: "", ...limits })).toBe(
    "ann",
  );
  expect(directory.find("ann")).toMatchObject({ quotaBytes: 1024 ** 3, filesMax: 7 });
  expect(directory.find("ann")?.access).toBe("read-only");
  expect(homes).toEqual(["ann"]);
  expect(await admission.answer(sent.ticket)).toMatchObject({ outcome: "approved" });
  expect(events).toMatchObject([{ event: "registration-decided", outcome: "approved" }]);
  expect(JSON.stringify(events)).not.toContain("argon2id");
  const again = admission.decide({ number, outcome: "denied", reason: "", ...NONE });
  expect(await failureOf(again)).toEqual(refusal("NOT_WAITING"));
});

test("I2: a.b is one quoted key, and no account a is made", async () => {
  const admission = admissionOf();
  const { row } = await admission.register(application({ user: "a.b" }), ADDRESS);
  await admission.decide({
    number: row.number,
    outcome: "approved",
    reason: "",
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
  const approving = admission.decide({ number, outcome: "approved", reason: "", ...NONE });
  expect(await failureOf(approving)).toEqual(refusal("ACCOUNT_EXISTS", { user: "bob" }));
  expect((await admission.waiting()).length).toBe(2);
});

test.each(["home", "decide"] as const)(
  "a crash between accounts.toml and the answer (%s) is finished by approving again",
  async (step) => {
    const admission = admissionOf();
    const { row } = await admission.register(application(), ADDRESS);
    const decision = { number: row.number, outcome: "approved", reason: "", ...NONE } as const;
    failing.set(step, new Error("cut"));
    expect(String(await failureOf(admission.decide(decision)))).toContain("cut");
    expect(directory.find("ann")).toBeDefined();
    failing.clear();

    const limits = { ...NONE, quotaBytes: 1024 };
    expect(await admissionOf().decide({ ...decision, ...limits })).toBe("ann");
    expect(directory.find("ann")?.quotaBytes).toBe(1024);
    expect(await state.registrations()).toEqual([]);
  },
);

test("what a crash has left is finished at the next start, and others go on waiting", async () => {
  const admission = admissionOf();
  await directory.add("bob", { password: verifierOf("another") });
  const cut = await admission.register(application(), ADDRESS);
  await admission.register(application({ user: "bob" }), ADDRESS);
  await admission.register(application({ user: "cem" }), ADDRESS);
  await directory.add("ann", { password: cut.row.verifier });
  await admissionOf().finish();

  expect((await admission.waiting()).map(({ user }) => user)).toEqual(["bob", "cem"]);
  expect(homes).toEqual(["ann"]);
});

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
  expect(events).toMatchObject([{ event: "fault", work: "invite", name: "ann" }]);
  failing.clear();
  const again = await admission.register(application({ invite }), ADDRESS);
  expect(again.row.outcome).toBe("approved");
});

test("an invite that was used when the server was cut off is made good at the next start", async () => {
  const admission = admissionOf();
  const { code: invite } = await admission.invite(undefined, { ...NONE, filesMax: 5 }, 60_000);
  failing.set("decide", new Error("cut"));
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
    await admission.decide({ number, outcome: "denied", reason: "", ...NONE });
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
