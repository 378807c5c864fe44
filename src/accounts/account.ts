/**
 * One account: who may sign in, how, and how much room there is.
 *
 * An Account has been checked whole: its verifier can be derived with, its keys are
 * Ed25519, its numbers are safe integers. Where in accounts.toml a mistake stands is
 * found by edit.ts; the file itself is directory.ts.
 */
import { nearest } from "../base/nearest.ts";
import { parseSize } from "../base/units.ts";
import type { Verifier } from "../base/verifier.ts";
import { parseVerifier } from "../base/verifier.ts";
import type { Access } from "./grants.ts";
import { ACCESS_LEVELS, isAccess } from "./grants.ts";
import { parseKeyLine } from "./keyline.ts";

/** With neither a verifier nor keys nobody can sign in; the home is kept all the same. */
export interface Account {
  readonly name: string;
  readonly verifier: Verifier | undefined;
  /** Lines that `parseKeyLine` accepts. */
  readonly keys: readonly string[];
  /** Undefined: the server's default. */
  readonly quotaBytes: number | undefined;
  /** Most files and directories. Undefined: the server's default. */
  readonly filesMax: number | undefined;
  readonly access: Access;
  readonly isDisabled: boolean;
}

/** The keys of an account's table, in the order in which they are written. */
export const ACCOUNT_KEYS = ["password", "keys", "quota", "files", "access", "disabled"] as const;

export type AccountKey = (typeof ACCOUNT_KEYS)[number];

/** Says what is wrong, and with which key of the table; never returns. */
export type Complain = (reason: string, key?: string) => never;

const USER_NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;

export function isUserName(text: string): boolean {
  return USER_NAME.test(text);
}

/**
 * Makes an account of one table, as a TOML parser gives it: integers are bigint.
 *
 * @param table a Map, because a key may be called `__proto__`
 */
export function accountOf(
  name: string,
  table: ReadonlyMap<string, unknown>,
  complain: Complain,
): Account {
  for (const key of table.keys()) {
    if (!ACCOUNT_KEYS.includes(key as AccountKey)) complain(unknownKey(key), key);
  }
  const read = (key: AccountKey) => table.get(key);
  const refuse = (key: AccountKey) => (reason: string) => complain(`${key}: ${reason}`, key);
  return {
    name,
    verifier: verifierOf(read("password"), refuse("password")),
    keys: keysOf(read("keys"), refuse("keys")),
    quotaBytes: quotaOf(read("quota"), refuse("quota")),
    filesMax: countOf(read("files"), refuse("files")),
    access: accessOf(read("access"), refuse("access")),
    isDisabled: switchOf(read("disabled"), refuse("disabled")),
  };
}

type Refuse = (reason: string) => never;

function verifierOf(value: unknown, refuse: Refuse): Verifier | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") return refuse("not a text");
  return parseVerifier(value, refuse);
}

function keysOf(value: unknown, refuse: Refuse): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return refuse("not a list of texts");
  return value.map((line: unknown) => {
    if (typeof line !== "string") return refuse("not a list of texts");
    parseKeyLine(line, refuse);
    return line;
  });
}

function quotaOf(value: unknown, refuse: Refuse): number | undefined {
  return typeof value === "string" ? parseSize(value, refuse) : countOf(value, refuse);
}

function countOf(value: unknown, refuse: Refuse): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "bigint" || value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    return refuse("not a whole number, 0 or more");
  }
  return Number(value);
}

function accessOf(value: unknown, refuse: Refuse): Access {
  if (value === undefined) return "full";
  return isAccess(value) ? value : refuse(`not one of ${ACCESS_LEVELS.join(", ")}`);
}

function switchOf(value: unknown, refuse: Refuse): boolean {
  if (value === undefined) return false;
  return typeof value === "boolean" ? value : refuse("not true or false");
}

function unknownKey(key: string): string {
  const meant = nearest(key, ACCOUNT_KEYS);
  const hint = meant === undefined ? `known: ${ACCOUNT_KEYS.join(", ")}` : `did you mean ${meant}?`;
  return `unknown key ${JSON.stringify(key)} (${hint})`;
}
