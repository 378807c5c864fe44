/**
 * The keys of an account, as the operator names them: lines or files of them to be added,
 * and lines, fingerprints or comments of those to be removed.
 */
import { isLineOf, parseKeyLine } from "../accounts/keyline.ts";
import type { KeyLine } from "../accounts/keyline.ts";
import { FtpxError } from "../base/errors.ts";
import { keyFingerprint } from "../base/keyblob.ts";
import { readSmall } from "./credentials.ts";

const LINE = /^(?:ssh|ecdsa|sk)-\S+\s/;

export const ADD_KEY = {
  flags: "--add-key <key>",
  about: "public key that may sign in: its line, or its .pub file (repeatable)",
  isList: true,
} as const;

export const REMOVE_KEY = {
  flags: "--remove-key <key>",
  about: "public key to take away: its line, fingerprint or comment (repeatable)",
  isList: true,
} as const;

/**
 * The list with all of that done to it, and no key twice.
 *
 * @param user for messages
 * @throws FtpxError USAGE, NO_LOCAL_FILE, LOCAL_IO
 */
export async function changedKeys(
  user: string,
  before: readonly string[],
  added: readonly string[] = [],
  removed: readonly string[] = [],
): Promise<readonly string[]> {
  let keys = before;
  // What is removed was there before: `--remove-key laptop --add-key laptop.pub` replaces it.
  for (const name of removed) {
    const line = findLine(user, keys, name);
    keys = keys.filter((key) => key !== line);
  }
  for (const word of added) {
    for (const line of await linesIn(word)) {
      const { publicKey } = parse(line, word);
      if (!keys.some((key) => isLineOf(key, publicKey))) keys = [...keys, line];
    }
  }
  return keys;
}

/** @throws FtpxError USAGE when no key is called so, or several are */
function findLine(user: string, keys: readonly string[], name: string): string {
  const isMeant = LINE.test(name) ? sameKey(name) : sameName(name.trim());
  const found = keys.filter((key) => isMeant(parse(key, key), key));
  const [line] = found;
  if (line === undefined) {
    throw new FtpxError("USAGE", { reason: `${user} has no key "${name}"` });
  }
  if (found.length > 1) {
    const prints = found.map((key) => keyFingerprint(parse(key, key).publicKey));
    const reason = `${user} has several keys "${name}"; name one of ${prints.join(", ")}`;
    throw new FtpxError("USAGE", { reason });
  }
  return line;
}

type IsMeant = (key: KeyLine, line: string) => boolean;

function sameKey(line: string): IsMeant {
  const { publicKey } = parse(line, line);
  return (_key, other) => isLineOf(other, publicKey);
}

function sameName(name: string): IsMeant {
  return ({ publicKey, comment }) => comment === name || keyFingerprint(publicKey) === name;
}

/** A word that is a line, or the lines of the file that it names, but blank ones and comments. */
async function linesIn(word: string): Promise<string[]> {
  if (LINE.test(word)) return [word.trim()];
  const text = await readSmall(word);
  const lines = text.split("\n").map((line) => line.trim());
  const found = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (found.length === 0) throw new FtpxError("USAGE", { reason: `${word} holds no key` });
  if (text.includes("PRIVATE KEY-----")) {
    const reason = `${word} is a private key, which is nobody's but its owner's; give ${word}.pub`;
    throw new FtpxError("USAGE", { reason });
  }
  return found;
}

function parse(line: string, word: string): KeyLine {
  return parseKeyLine(line, (reason) => {
    throw new FtpxError("USAGE", { reason: `${word}: ${reason}` });
  });
}
