import { afterEach, beforeEach, expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { failureOf, refusal } from "../support/refusal.ts";
import {
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

test("an invite that is good for ever is good until a date that can be written", async () => {
  const invitation = await admissionOf().invite(undefined, NONE, Number.MAX_SAFE_INTEGER);

  expect(new Date(invitation.expiresMs).toISOString()).toBe("9999-12-31T23:59:59.999Z");
  expect(await state.invites()).toMatchObject([{ expiresMs: invitation.expiresMs }]);
});
