/** What every list of registrations and invites does: bounds, answers, invites used once. */
import { expect, test } from "bun:test";
import {
  ANSWER_AGE_MS_MAX,
  ANSWERS_MAX,
  INVITES_MAX,
  REGISTRATION_AGE_MS_MAX,
  REGISTRATIONS_MAX,
  SOURCE_WAITING_MAX,
} from "../../src/base/limits.ts";
import type {
  InviteIntent,
  Registered,
  RegistrationIntent,
  RegistrationRow,
} from "../../src/state/contract.ts";
import { failureOf, refusal } from "../support/refusal.ts";
import { kindsOf, reopen, state } from "./desk.ts";

const NONE = { quotaBytes: undefined, filesMax: undefined, access: undefined };
const DAY_MS = 24 * 3_600_000;

export function registrationContract(name: string): void {
  testRequests(name);
  testBounds(name);
  testInvites(name);
}

/** 32 octets that belong to a number. */
function key(seed: number): Uint8Array {
  const octets = new Uint8Array(32);
  new DataView(octets.buffer).setUint32(0, seed);
  return octets;
}

function request(seed: number, wish: Partial<RegistrationIntent> = {}): RegistrationIntent {
  const usual = {
    ticket: key(seed),
    user: "ann",
    verifier: `verifier ${seed}`,
    note: "Ann",
    address: "192.0.2.1",
    source: `source ${seed}`,
    invite: undefined,
    nowMs: 1000,
  };
  return { ...usual, ...wish };
}

async function register(
  seed: number,
  wish: Partial<RegistrationIntent> = {},
): Promise<RegistrationRow> {
  const { row } = await state.register(request(seed, wish));
  return row;
}

function invitation(seed: number, wish: Partial<InviteIntent> = {}): InviteIntent {
  return { ...NONE, code: key(seed), user: undefined, expiresMs: 5000, ...wish };
}

async function registerMany(count: number, from: number): Promise<Registered[]> {
  const seeds = Array.from({ length: count }, (_hole, index) => from + index);
  return await Promise.all(seeds.map((seed) => state.register(request(seed))));
}

function testRequests(name: string): void {
  test(`${name}: a request waits, with what was sent, until it is answered`, async () => {
    const row = await register(1, { note: "é\u001b[2J" });
    await reopen();

    expect(await state.registrations()).toEqual([row]);
    expect(row).toMatchObject({ user: "ann", verifier: "verifier 1", note: "é\u001b[2J" });
    expect(await state.registration(key(1))).toEqual(row);
    expect(await state.registration(row.number)).toEqual(row);
    expect(await state.registration(key(2))).toBeUndefined();
  });

  test(`${name}: an answered request waits no more and has lost its verifier`, async () => {
    const { number } = await register(1);

    expect(await state.decide(number, "denied", "who?")).toBe(true);
    expect(await state.registrations()).toEqual([]);
    expect(await state.registration(key(1))).toMatchObject({
      outcome: "denied",
      reason: "who?",
      verifier: "",
    });
    expect(await state.decide(number, "approved", "")).toBe(false);
  });

  test(`${name}: the same ticket again is the same request, also when it is answered`, async () => {
    const { number } = await register(1);
    const again = await state.register(request(1, { verifier: "another" }));

    expect(again).toMatchObject({ isKnown: true, waitingCount: 1, row: { number } });
    // What was typed last is what was meant.
    expect(again.row.verifier).toBe("another");
    await state.decide(number, "approved", "");
    expect(await register(1)).toMatchObject({ number, outcome: "approved", verifier: "" });
    expect(await failureOf(register(1, { user: "bob" }))).toEqual(refusal("BAD_REGISTRATION"));
  });

  test(`${name}: several requests of one name wait side by side, each with its number`, async () => {
    const first = await register(1);
    const second = await state.register(request(2));

    expect(second).toMatchObject({ waitingCount: 2, sameNameCount: 2, isKnown: false });
    expect(second.row.number).toBeGreaterThan(first.number);
    expect((await state.registrations()).map(({ number }) => number)).toEqual([
      first.number,
      second.row.number,
    ]);
  });

  test(`${name}: a number is never given twice`, async () => {
    const first = await register(1);
    await state.withdraw(first.number);

    expect(await state.registration(key(1))).toBeUndefined();
    expect((await register(2)).number).toBeGreaterThan(first.number);
  });

  test.each(["'); DROP TABLE registrations; --", "__proto__", "\0", "$user", "é".repeat(100)])(
    `${name}, I2: the note and name %j are kept as they are and nothing else`,
    async (text) => {
      await register(1, { note: text, user: text, address: text, source: text });
      await reopen();

      expect(await state.registrations()).toMatchObject([{ note: text, user: text }]);
    },
  );
}

function testBounds(name: string): void {
  test(`${name}, A9: so many requests of one source wait, and no more`, async () => {
    const source = "one";
    for (let seed = 0; seed < SOURCE_WAITING_MAX; seed += 1) await register(seed, { source });

    const details = { limit: SOURCE_WAITING_MAX };
    expect(await failureOf(register(900, { source }))).toEqual(
      refusal("REGISTERED_OFTEN", details),
    );
    expect((await register(901, { source: "two" })).outcome).toBe("pending");
    await state.decide((await register(0, { source })).number, "denied", "");
    expect((await register(902, { source })).outcome).toBe("pending");
  });

  test(`${name}, A9: so many requests wait in all, and no more`, async () => {
    await registerMany(REGISTRATIONS_MAX, 0);

    expect(await failureOf(register(REGISTRATIONS_MAX))).toEqual(refusal("REGISTRATIONS_FULL"));
    expect((await state.registrations()).length).toBe(REGISTRATIONS_MAX);
    // Who has been asked already, and who has an invite, comes in.
    expect((await register(5)).outcome).toBe("pending");
    await state.addInvite(invitation(7));
    expect((await register(9999, { invite: key(7) })).invite).toBeDefined();
  });

  test(`${name}, A9: so many answers are kept, the latest`, async () => {
    for (let round = 0; round < 2; round += 1) {
      const all = await registerMany(ANSWERS_MAX / 2 + 10, round * 10_000);
      await Promise.all(all.map(({ row }) => state.decide(row.number, "denied", "")));
    }

    expect(await state.registration(key(0))).toBeUndefined();
    expect(await state.registration(key(20))).toBeDefined();
    expect(await state.registration(key(10_000))).toBeDefined();
  });

  test(`${name}, A9: requests and answers go by their age in running time`, async () => {
    await register(1);
    const answered = await register(2);
    await state.decide(answered.number, "denied", "");
    await state.ageRegistrations(ANSWER_AGE_MS_MAX);
    expect(await state.registration(key(2))).toBeDefined();
    await state.ageRegistrations(1);

    expect(await state.registration(key(2))).toBeUndefined();
    expect(await state.registration(key(1))).toBeDefined();
    await state.ageRegistrations(REGISTRATION_AGE_MS_MAX);
    expect(await state.registration(key(1))).toBeUndefined();
  });
}

function testInvites(name: string): void {
  test(`${name}: an invite is used once, with its limits, and says for whom`, async () => {
    const limits = { quotaBytes: 5, filesMax: 6, access: "read-only" } as const;
    const number = await state.addInvite(invitation(7, limits));
    const row = await register(1, { invite: key(7) });

    expect(row.invite).toMatchObject(limits);
    expect(await state.invites()).toMatchObject([
      { ...limits, number, status: "used", usedBy: "ann" },
    ]);
    expect(await failureOf(register(2, { invite: key(7) }))).toEqual(refusal("BAD_INVITE"));
    expect(await state.registration(key(2))).toBeUndefined();
  });

  test(`${name}: two who use one invite at once: one of them has it`, async () => {
    await state.addInvite(invitation(7));
    const kinds = await kindsOf([
      register(1, { invite: key(7) }),
      register(2, { invite: key(7), user: "bob" }),
    ]);

    expect(kinds).toEqual(["done", "BAD_INVITE"]);
  });

  test.each([
    ["unknown", { invite: key(8) }],
    ["expired", { nowMs: 5000 }],
    ["for another name", { user: "bob" }],
  ] as const)(`${name}: an invite that is %s is refused`, async (_case, wish) => {
    await state.addInvite(invitation(7, { user: "ann" }));

    expect(await failureOf(register(1, { invite: key(7), ...wish }))).toEqual(
      refusal("BAD_INVITE"),
    );
    expect(await state.registrations()).toEqual([]);
    expect((await register(1, { invite: key(7), nowMs: 4999 })).outcome).toBe("pending");
  });

  test(`${name}: an invite that was taken back is refused, a used one is not taken back`, async () => {
    const number = await state.addInvite(invitation(7));
    expect(await state.revokeInvite(number)).toBe(true);
    expect(await state.revokeInvite(number)).toBe(false);

    expect(await failureOf(register(1, { invite: key(7) }))).toEqual(refusal("BAD_INVITE"));
    const other = await state.addInvite(invitation(8));
    await register(2, { invite: key(8) });
    expect(await state.revokeInvite(other)).toBe(false);
  });

  test(`${name}: a request that is withdrawn gives its invite back`, async () => {
    await state.addInvite(invitation(7));
    const { number } = await register(1, { invite: key(7) });
    await state.withdraw(number);

    expect((await register(2, { invite: key(7), user: "bob" })).outcome).toBe("pending");
  });

  test(`${name}: a request with an invite that was cut off goes on, with a new verifier`, async () => {
    await state.addInvite(invitation(7));
    await register(1, { invite: key(7) });
    const again = await register(1, { invite: key(7), verifier: "new" });

    expect(again).toMatchObject({ verifier: "new", outcome: "pending" });
  });

  test(`${name}: who waits can use an invite; one of two is open again`, async () => {
    await state.addInvite(invitation(7));
    await state.addInvite(invitation(8));
    const { number } = await register(1);
    await register(1, { invite: key(7) });
    const row = await register(1, { invite: key(8) });

    expect(row.number).toBe(number);
    expect((await state.invites()).map(({ status }) => status)).toEqual(["open", "used"]);
  });

  test(`${name}, A9: so many invites are open, and closed ones go`, async () => {
    const seeds = Array.from({ length: INVITES_MAX }, (_hole, seed) => seed);
    const expiresMs = Date.now() + DAY_MS;
    await Promise.all(seeds.map((seed) => state.addInvite(invitation(seed, { expiresMs }))));
    expect(await failureOf(state.addInvite(invitation(INVITES_MAX)))).toEqual(
      refusal("INVITES_FULL"),
    );
    const [first] = await state.invites();
    await state.revokeInvite(first?.number ?? 0);
    await state.addInvite(invitation(INVITES_MAX, { expiresMs: 1 }));
    await state.ageRegistrations(ANSWER_AGE_MS_MAX + 1);

    expect((await state.invites()).length).toBe(INVITES_MAX - 1);
  });
}
