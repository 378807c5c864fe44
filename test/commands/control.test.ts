import { expect, test } from "bun:test";
import { USAGE_PAGE_ACCOUNTS_MAX } from "../../src/base/limits.ts";
import { purge, usages } from "../../src/commands/control.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { Session } from "../../src/sessions/session.ts";
import { decodeBody, encodeBody } from "../../src/wire/shape.ts";
import { outcomeOf } from "../support/refusal.ts";
import { SignIns } from "../support/signins.ts";

test("a list of more accounts than a page holds is read page by page, each account once", async () => {
  const amount = { bytes: 1, files: 2 };
  const names = Array.from({ length: 2 * USAGE_PAGE_ACCOUNTS_MAX + 1 }, (_hole, index) =>
    `u${index}`.padEnd(32, "x"),
  ).toSorted();
  const accounts = names.map((user) => ({ user, account: { used: amount, reserved: amount } }));
  const state = { accounts: async () => accounts, seen: async () => [] };
  const registry = {
    depot: { state },
    accounts: new Map(),
    sessions: new Set(),
    attendance: { write: async () => {} },
  };
  const session = { registry } as unknown as Session;
  const found: string[] = [];
  for (;;) {
    const shape = TABLE.usages.reply;
    const body = encodeBody(shape, await usages(session, { after: found.at(-1) ?? "" }));
    const page = decodeBody(shape, body).usages;
    if (page.length === 0) break;
    found.push(...page.map(({ user }) => user));
  }

  expect(found).toEqual(names);
});

test.each(["", "/", "..", "ann/..", "f\u{10feff}", "a".repeat(33)])(
  "I2: purging %p, which no account can be called, is refused as that",
  async (user) => {
    const signIns = await SignIns.open({});
    const outcome = await outcomeOf(purge(signIns.session(), { user }));
    await signIns.close();

    expect(outcome).toBe("NO_SUCH_ACCOUNT");
  },
);
