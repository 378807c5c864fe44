/**
 * Draws texts of accounts.toml as people write them, with all that TOML has for the purpose, and
 * knows where in them each account stands.
 */
import type { Chance } from "../support/chance.ts";

export interface DrawnTable {
  readonly user: string;
  /** From its header to the end of the line of its last value. */
  readonly start: number;
  readonly end: number;
  /** The values as they are written, with their keys, in their order. */
  readonly values: readonly { readonly key: string; readonly written: string }[];
}

export interface DrawnText {
  readonly text: string;
  readonly tables: readonly DrawnTable[];
}

export const USERS = ["ann", "bob", "a.b", "c-d", "e_f", "0", "constructor", "9.z"] as const;
const KEYS = ["password", "keys", "quota", "files", "access", "disabled"] as const;
const GAPS = [
  "",
  "\n",
  "\n\n",
  "# note\n",
  "\n# about the next\n",
  " \t\n#\n#[users.x]\n\n",
] as const;
const TAILS = ["", " # plenty", "\t#[users.ann]", ' # "', "  ", " #]"] as const;
const INNERS = [
  "",
  "x",
  "[users.ann]",
  "# no comment",
  "a\tb",
  "é",
  "=",
  "[",
  "{",
  "10 GiB",
] as const;

export function drawAccounts(chance: Chance): DrawnText {
  const lineEnd = chance.percent(30) ? "\r\n" : "\n";
  const written = (part: string): string => part.replaceAll("\n", lineEnd);
  let text = chance.percent(10) ? "\ufeff" : "";
  text += written(chance.pick(["", "# head\n\n", "[users]\n", "\n# head\n[users] # all\n"]));
  const tables: DrawnTable[] = [];
  const left: string[] = [...USERS];
  for (let count = chance.below(5); count > 0; count -= 1) {
    const [user = "ann"] = left.splice(chance.below(left.length), 1);
    text += written(chance.pick(GAPS));
    const start = text.length;
    text += written(`${indent(chance)}${headerOf(user, chance)}${chance.pick(TAILS)}\n`);
    const values: { key: string; written: string }[] = [];
    for (const key of KEYS) {
      if (chance.percent(50)) continue;
      if (chance.percent(20)) text += written(chance.pick(["# inside\n", "\n", "  # [a]\n"]));
      const line = written(`${keyOf(key, chance)} = ${valueOf(key, chance)}`);
      values.push({ key, written: line });
      text += `${indent(chance)}${line}${written(`${chance.pick(TAILS)}\n`)}`;
    }
    tables.push({ user, start, end: text.length, values });
  }
  text += written(chance.pick(GAPS));
  return { text, tables };
}

function indent(chance: Chance): string {
  return chance.pick(["", "", "  ", "\t"]);
}

function headerOf(user: string, chance: Chance): string {
  const isBare = /^[A-Za-z0-9_-]+$/.test(user);
  const name = chance.pick([isBare ? user : `"${user}"`, `"${user}"`, `'${user}'`]);
  return chance.pick([`[users.${name}]`, `[ users . ${name} ]`, `["users".${name}\t]`]);
}

function keyOf(key: string, chance: Chance): string {
  return chance.pick([key, key.padEnd(8), `"${key}"`, `'${key}'`]);
}

function valueOf(key: string, chance: Chance): string {
  if (key === "files") return chance.pick(["5", "1_000", "0x10", "+7"]);
  if (key === "disabled") return chance.pick(["true", "false"]);
  if (key === "keys") return listOf(chance);
  return textOf(chance);
}

/** In one of the four ways in which TOML writes a text. */
function textOf(chance: Chance): string {
  const inner = chance.pick(INNERS);
  return chance.pick([
    JSON.stringify(inner),
    `'${inner}'`,
    `"""\n${inner}\n[users.ann]\n"""`,
    `"""${inner}\\"\\\n   """`,
    `'''\n${inner}\n''${inner}'''`,
  ]);
}

function listOf(chance: Chance): string {
  const one = (): string => chance.pick([JSON.stringify(chance.pick(INNERS)), "'k'"]);
  return chance.pick([
    "[]",
    "[ ]",
    `[${one()}]`,
    `[${one()}, ${one()},]`,
    `[\n  ${one()}, # one ]\n\n  ${one()} # two\n]`,
    `[ # first\n${one()},\n# [users.x]\n]`,
  ]);
}
