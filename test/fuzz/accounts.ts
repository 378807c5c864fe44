/**
 * accounts.toml in process (I2, I3, I6): what reads it, what finds its way in it, what edits it.
 *
 *   bun test/fuzz/accounts.ts [--seed N] [--count N] [--lanes N]
 *
 * Half of the texts are as people write them: an edit changes what was meant, and every byte
 * outside the account's own table, and every other value in it, is as it was. The others are
 * spoiled: they are refused with a place that is in them, or an edit of them is still right. Then
 * texts of chance in every field that takes one: what is read back is what was given, other users
 * are as they were. By hand: --count 1000000 --lanes 2.
 */
import type { ErrorKind } from "../../src/base/errors.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { isUserName } from "../../src/accounts/account.ts";
import { addAccount, removeAccount, setAccount } from "../../src/accounts/edit.ts";
import type { Changes } from "../../src/accounts/edit.ts";
import { accountsOf, parseText, tablesOf } from "../../src/accounts/parsing.ts";
import type { Table } from "../../src/accounts/parsing.ts";
import { scan } from "../../src/accounts/scanner.ts";
import { runCampaign } from "../campaign/campaign.ts";
import { Chance } from "../support/chance.ts";
import { drawAccounts, USERS } from "./accountstexts.ts";
import type { DrawnTable, DrawnText } from "./accountstexts.ts";
import { isLane, LANE_OPTIONS, runLanes } from "./lanes.ts";
import { spoiledText, wildText } from "./wording.ts";

const FILE = "accounts.toml";
const EDIT_REFUSALS: readonly ErrorKind[] = ["BAD_CONFIG", "NO_SUCH_ACCOUNT", "ACCOUNT_EXISTS"];

type Tables = Map<string, Table>;

/** Runs texts. @throws Error with seed, number and text of what was wrong */
export function fuzzAccounts(seed: number, count: number): Record<string, number> {
  const counts = { texts: 0, edits: 0, refused: 0, spoiled: 0, valid: 0, fields: 0 };
  for (let number = 0; number < count; number += 1) {
    const chance = new Chance(seed + number);
    const drawn = drawAccounts(chance);
    const spoiled = spoiledText(drawn.text, chance);
    counts.texts += 1;
    demand(seed + number, drawn.text, () => {
      counts.edits += judgeEdits(drawn, chance);
    });
    demand(seed + number, spoiled, () => {
      const { isValid, refusedCount } = judgeSpoiled(spoiled, chance);
      counts.spoiled += 1;
      counts.valid += isValid ? 1 : 0;
      counts.refused += refusedCount;
    });
    demand(seed + number, drawn.text, () => {
      counts.fields += judgeFields(drawn.text, chance);
    });
  }
  return counts;
}

function demand(seed: number, text: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`--seed ${seed} --count 1: ${what}\n${JSON.stringify(text)}`, { cause: error });
  }
}

/** @returns how many edits were made */
function judgeEdits({ text, tables }: DrawnText, chance: Chance): number {
  const before = tablesIn(text);
  scan(text);
  for (const table of tables) {
    const changes = changesOf(chance);
    const changed = setAccount(text, table.user, changes);
    demandSame(tablesIn(changed), withChanges(before, table.user, changes), "a change");
    demandBytes(text, changed, table, changes);
    const removed = removeAccount(text, table.user);
    demandSame(tablesIn(removed), without(before, table.user), "a removal");
    if (!removed.startsWith(text.slice(0, table.start))) throw new Error("removed above");
    const next = tables.find(({ start }) => start > table.start);
    if (next && !removed.endsWith(text.slice(next.start))) throw new Error("removed below");
  }
  const user = USERS.find((name) => !before.has(name)) ?? "new";
  const changes = changesOf(chance);
  const added = addAccount(text, user, changes);
  demandSame(tablesIn(added), withChanges(before, user, changes), "an addition");
  if (!added.startsWith(text)) throw new Error("an addition changed what was there");
  return 2 * tables.length + 1;
}

/** Outside of the table everything is as it was, and so is each of its values that was not meant. */
function demandBytes(text: string, changed: string, table: DrawnTable, changes: Changes): void {
  const { start, end, values } = table;
  if (!changed.startsWith(text.slice(0, start))) throw new Error("changed above the table");
  if (!changed.endsWith(text.slice(end))) throw new Error("changed below the table");
  let at = start;
  for (const { key, written } of values) {
    if (Object.hasOwn(changes, key)) continue;
    const found = changed.indexOf(written, at);
    if (found < 0) throw new Error(`${key} is written in another way`);
    at = found + written.length;
  }
}

/** Reading refuses in its own way; an edit refuses, or is what was meant. */
function judgeSpoiled(text: string, chance: Chance): { isValid: boolean; refusedCount: number } {
  const isFound = isRefused(() => scan(text), ["BAD_CONFIG"]) === undefined;
  const complaint = isRefused(() => accountsOf(parseText(text, FILE), FILE), COMPLAINTS);
  if (complaint?.kind === "BAD_ACCOUNTS") demandPlace(text, complaint);
  const read = isRefused(() => void tablesIn(text), COMPLAINTS);
  if (read !== undefined) return { isValid: false, refusedCount: 0 };
  const before = tablesIn(text);
  let refusedCount = 0;
  for (const user of [...before.keys(), "new"]) {
    const changes = changesOf(chance);
    const isNew = user === "new" && !before.has(user);
    const edits: [() => string, Tables][] = [
      [
        () => (isNew ? addAccount : setAccount)(text, user, changes),
        withChanges(before, user, changes),
      ],
      [() => removeAccount(text, user), without(before, user)],
    ];
    for (const [edit, expected] of edits) {
      let edited = "";
      const refusal = isRefused(() => {
        edited = edit();
      }, EDIT_REFUSALS);
      if (refusal !== undefined) refusedCount += 1;
      else demandSame(tablesIn(edited), expected, `an edit of ${user}`);
      if (!isFound && refusal === undefined) throw new Error("edited without a way");
    }
  }
  return { isValid: true, refusedCount };
}

/** The file may hold what the scanner cannot make out; then no place is known. */
const COMPLAINTS: readonly ErrorKind[] = ["BAD_ACCOUNTS", "BAD_CONFIG"];

function demandPlace(text: string, { details }: FtpxError): void {
  const { line = 0, column = 0 } = details;
  const lines = text.split("\n");
  if (line < 1 || line > lines.length || column < 1) throw new Error(`no place ${line}:${column}`);
}

/** I2: texts of chance, in a table of its own and as its name. @returns how many fields were filled */
function judgeFields(text: string, chance: Chance): number {
  const before = tablesIn(text);
  const user = USERS.find((name) => !before.has(name)) ?? "new";
  const [password, quota] = [wildText(chance), wildText(chance)];
  const keys = Array.from({ length: chance.below(4) }, () => wildText(chance));
  const fields = { password, quota, keys };
  const isText = [password, quota, ...keys].every((one) => one.isWellFormed());
  let added = "";
  const refusal = isRefused(() => {
    added = addAccount(text, user, fields);
  }, ["BAD_CONFIG"]);
  if ((refusal === undefined) !== isText) throw new Error(`refused: ${String(refusal)}`);
  if (isText) {
    demandSame(tablesIn(added), withChanges(before, user, fields), "a field");
    const again = setAccount(added, user, { keys: [...keys, "one more"], password: quota });
    const changed = withChanges(before, user, fields);
    const expected = withChanges(changed, user, { keys: [...keys, "one more"], password: quota });
    demandSame(tablesIn(again), expected, "a field that was changed");
  }
  const name = wildText(chance);
  const isNamed = isRefused(() => void addAccount(text, name, {}), ["USAGE", "ACCOUNT_EXISTS"]);
  if (isNamed === undefined && !isUserName(name)) throw new Error(`an account ${name}`);
  return 3 + keys.length;
}

function changesOf(chance: Chance): Changes {
  const changes: Record<string, unknown> = {};
  const maybe = (key: string, draw: () => unknown): void => {
    if (chance.percent(35)) changes[key] = chance.percent(25) ? undefined : draw();
  };
  const word = (): string => wildText(chance).toWellFormed();
  maybe("password", word);
  maybe("keys", () => Array.from({ length: chance.below(4) }, word));
  maybe("quota", word);
  maybe("files", () => chance.below(2 ** 31));
  maybe("access", () => chance.pick(["full", "read-only", "upload-only"]));
  maybe("disabled", () => chance.percent(50));
  return changes;
}

function tablesIn(text: string): Tables {
  return tablesOf(parseText(text, FILE), FILE);
}

function withChanges(before: Tables, user: string, changes: Changes): Tables {
  const table = new Map(before.get(user));
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) table.delete(key);
    else table.set(key, typeof value === "number" ? BigInt(value) : value);
  }
  return new Map([...before, [user, table]]);
}

function without(before: Tables, user: string): Tables {
  return new Map([...before].filter(([name]) => name !== user));
}

function demandSame(found: Tables, expected: Tables, what: string): void {
  if (!Bun.deepEquals(found, expected, true)) throw new Error(`${what} is not what was meant`);
}

/** The refusal; nothing when there was none. @throws Error for anything else */
function isRefused(work: () => unknown, kinds: readonly ErrorKind[]): FtpxError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof FtpxError && kinds.includes(error.kind)) return error;
    throw new Error(`thrown: ${String(error)}`, { cause: error });
  }
}

if (import.meta.main) {
  await runCampaign("accounts", { count: 20_000, ...LANE_OPTIONS }, async (campaign) => {
    if (!isLane(campaign)) return await runLanes(campaign, "test/fuzz/accounts.ts", ["count"]);
    return fuzzAccounts(campaign.seed, campaign.number("count"));
  });
}
