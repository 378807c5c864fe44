/**
 * Accounts from the command line: useradd, usermod, userdel, and the first one of a new server;
 * passwd is passwd.ts, keys are keyring.ts.
 *
 * They edit accounts.toml, which a running server follows by itself. What only the
 * server may touch (the ledger, the homes' counts) is asked of it through the
 * operator's socket; without a server the state is opened here.
 */
import { isDeepStrictEqual } from "node:util";
import { ACCESS_LEVELS, isAccess } from "../accounts/grants.ts";
import type { Access } from "../accounts/grants.ts";
import { isUserName } from "../accounts/account.ts";
import type { AccountDirectory } from "../accounts/directory.ts";
import type { Changes } from "../accounts/edit.ts";
import type { Account } from "../accounts/account.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import { formatQuota, parseCount, parseSize } from "../base/units.ts";
import { formatVerifier, makeVerifier } from "../base/verifier.ts";
import { openDiskStore } from "../store/disk.ts";
import { isEmptyHome } from "../vfs/depot.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { visible } from "./escaping.ts";
import { ADD_KEY, changedKeys, REMOVE_KEY } from "./keyring.ts";
import { withOffice } from "./office.ts";
import { readNewPassword } from "./passwords.ts";
import { placeOf } from "./place.ts";
import type { Place } from "./place.ts";
import { ask, confirm, LeftQuestion } from "./questions.ts";
import { canAsk, writeJson, writeNote } from "./terminal.ts";
import { shellWord } from "./words.ts";

export const PASSWORD_STDIN = {
  flags: "--password-stdin",
  about: "read the password from the first line of stdin",
} as const;

export const ACCOUNT_OPTIONS = {
  data: DATA,
  quota: { flags: "--quota <size>", about: 'room for files, as in "10 GiB"', parse: parseSize },
  files: { flags: "--files <n>", about: "most files and directories", parse: parseFiles },
  access: { flags: "--access <level>", about: ACCESS_LEVELS.join(", "), parse: parseAccess },
  json: JSON_LINES,
} as const;

const USERADD_OPTIONS = {
  ...ACCOUNT_OPTIONS,
  passwordStdin: PASSWORD_STDIN,
  addKey: ADD_KEY,
  noPassword: { flags: "--no-password", about: "only a key signs in; needs --add-key" },
} as const;
const USERMOD_OPTIONS = {
  ...ACCOUNT_OPTIONS,
  quota: {
    flags: "--quota <size>",
    about: 'room for files, as in "10 GiB", or "default"',
    parse: orDefault(parseSize),
  },
  files: {
    flags: "--files <n>",
    about: 'most files and directories, or "default"',
    parse: orDefault(parseFiles),
  },
  disable: { flags: "--disable", about: "no sign-in, and live sessions end" },
  enable: { flags: "--enable", about: "may sign in again" },
  addKey: ADD_KEY,
  removeKey: REMOVE_KEY,
  noPassword: { flags: "--no-password", about: "remove the password; only a key signs in" },
} as const;
const USERDEL_OPTIONS = {
  data: DATA,
  purge: { flags: "--purge", about: "remove the home and all it holds too" },
  json: JSON_LINES,
} as const;

type Run<Options> = (words: readonly string[], options: Options) => Promise<void>;

export const USERADD: Spec<typeof USERADD_OPTIONS> = {
  name: "useradd",
  about: "Creates an account and its home",
  usage: "NAME",
  words: [1, 1],
  options: USERADD_OPTIONS,
  examples: [
    "ftpx useradd ann --quota '10 GiB'",
    "ftpx useradd bob --password-stdin < secret",
    "ftpx useradd eve --no-password --add-key eve.pub",
  ],
};

export const useradd: Run<OptionsOf<typeof USERADD_OPTIONS>> = async ([name = ""], options) => {
  const place = placeOf(options.data);
  const directory = place.accounts();
  await directory.load();
  demandName(name);
  if (directory.find(name) !== undefined) throw new FtpxError("ACCOUNT_EXISTS", { user: name });
  const keys = await changedKeys(name, [], options.addKey);
  if (options.noPassword === true && keys.length === 0) {
    throw new FtpxError("USAGE", { reason: "--no-password needs --add-key, or nobody signs in" });
  }
  const password =
    options.noPassword === true
      ? undefined
      : await readPassword(name, options.passwordStdin === true, keys.length > 0);
  const fields = { ...changesOf(options), ...(keys.length === 0 ? {} : { keys }) };
  const isNewPlace = !(await place.isMade());
  const hasFiles = await createAccount(place, directory, name, password, fields);
  const event = { event: "useradd", user: name, data: place.root, withFiles: hasFiles };
  const folder = visible(place.root);
  const where = isNewPlace ? `${folder}, a new data directory` : folder;
  report(options.json, event, `account ${name} created in ${where}`);
  if (hasFiles)
    writeNote(`storage/${name} holds files of an earlier account: they are ${name}'s now`);
};

/** @throws FtpxError as readNewPassword; who has a key may do without, and is told so */
async function readPassword(name: string, isOnStdin: boolean, hasKey: boolean): Promise<string> {
  try {
    return await readNewPassword(name, isOnStdin);
  } catch (error) {
    if (!hasKey || !isKind(error, "NO_PASSWORD")) throw error;
    const reason = "no password was given; --no-password makes an account for the key alone";
    throw new FtpxError("USAGE", { reason });
  }
}

export const USERMOD: Spec<typeof USERMOD_OPTIONS> = {
  name: "usermod",
  about: "Changes an account; what is not named stays",
  usage: "NAME",
  words: [1, 1],
  options: USERMOD_OPTIONS,
  examples: [
    "ftpx usermod ann --quota '20 GiB'",
    "ftpx usermod bob --disable",
    "ftpx usermod ann --add-key laptop.pub",
  ],
};

export const usermod: Run<OptionsOf<typeof USERMOD_OPTIONS>> = async ([name = ""], options) => {
  if (options.disable === true && options.enable === true) {
    throw new FtpxError("USAGE", { reason: "--disable and --enable exclude each other" });
  }
  const directory = await placeOf(options.data).openAccounts();
  const before = directory.find(name);
  if (before === undefined) throw new FtpxError("NO_SUCH_ACCOUNT", { user: name });
  const changes: Changes = {
    ...changesOf(options),
    ...(await secretsOf(before, options)),
    ...(options.disable === true ? { disabled: true } : {}),
    ...(options.enable === true ? { disabled: undefined } : {}),
  };
  // A key that is there already is no mistake: the command may be run again.
  if (Object.keys(changes).length === 0 && options.addKey === undefined) {
    throw new FtpxError("USAGE", { reason: "nothing to change; see ftpx usermod --help" });
  }
  await directory.set(name, changes, ({ keys }) => {
    // What is written is made of what was read, and another command may have been faster.
    if (!isDeepStrictEqual(keys, before.keys)) throw new FtpxError("BUSY_ACCOUNTS");
  });
  report(options.json, { event: "usermod", user: name }, `account ${name} changed`);
};

/** @throws FtpxError USAGE, NO_LOCAL_FILE, LOCAL_IO */
async function secretsOf(
  before: Account,
  { addKey, removeKey, noPassword }: OptionsOf<typeof USERMOD_OPTIONS>,
): Promise<Changes> {
  const keys = await changedKeys(before.name, before.keys, addKey, removeKey);
  const hasPassword = before.verifier !== undefined && noPassword !== true;
  const isTaken = noPassword === true || keys.length < before.keys.length;
  if (isTaken && !hasPassword && keys.length === 0) {
    throw new FtpxError("USAGE", { reason: "nobody could sign in; --disable says that better" });
  }
  return {
    ...(keys === before.keys ? {} : { keys: keys.length === 0 ? undefined : keys }),
    ...(noPassword === true ? { password: undefined } : {}),
  };
}

export const USERDEL: Spec<typeof USERDEL_OPTIONS> = {
  name: "userdel",
  about: "Removes an account; its files stay unless --purge is given",
  usage: "NAME",
  words: [1, 1],
  options: USERDEL_OPTIONS,
  examples: ["ftpx userdel bob", "ftpx userdel bob --purge"],
};

export const userdel: Run<OptionsOf<typeof USERDEL_OPTIONS>> = async ([name = ""], options) => {
  const place = placeOf(options.data);
  const directory = await place.openAccounts();
  // What an account that is gone already left can still be purged.
  const isGone = directory.find(name) === undefined && options.purge === true && isUserName(name);
  if (!isGone) await directory.remove(name);
  if (options.purge === true) await purge(place, name, isGone);
  const text =
    options.purge === true ? `account ${name} and its files removed` : `account ${name} removed`;
  report(options.json, { event: "userdel", user: name, purged: options.purge === true }, text);
};

/** What was done before it failed is said: the account cannot sign in any more. */
async function purge(place: Place, name: string, isGone: boolean): Promise<void> {
  try {
    await withOffice(place, (office) => office.purge(name));
  } catch (error) {
    if (!isGone) writeNote(`account ${name} removed; its files were not, or not all of them`);
    writeNote(`to try that again: ftpx userdel ${name} --purge --data ${shellWord(place.root)}`);
    throw error;
  }
}

/**
 * A server without accounts says so, and on a terminal makes one then and there. Ctrl-C in its
 * questions is meant for the server, which runs already.
 */
export async function offerAccount(place: Place, directory: AccountDirectory): Promise<void> {
  const line = `ftpx useradd NAME --data ${shellWord(place.root)}`;
  writeNote(`no accounts yet; make one with:\n\n    ${line}\n`);
  try {
    if (!canAsk() || !(await confirm("Make an account now?"))) return;
    const name = await ask("user name", { check: demandName });
    const password = await readNewPassword(name, false);
    await createAccount(place, directory, name, password, {});
    writeNote(`account ${name} created`);
  } catch (error) {
    if (!(error instanceof FtpxError)) throw error;
    const isInterrupted = isKind(error, "INTERRUPTED") && !(error instanceof LeftQuestion);
    if (isInterrupted) process.kill(process.pid, "SIGINT");
    else writeNote(`no account was made: ${visible(error.details.reason ?? leftOr(error))}`);
  }
}

function leftOr({ kind }: FtpxError): string {
  return kind === "INTERRUPTED" ? "the question was left" : kind;
}

/** @returns whether something lies in its home already */
async function createAccount(
  place: Place,
  directory: AccountDirectory,
  name: string,
  password: string | undefined,
  changes: Changes,
): Promise<boolean> {
  const secret =
    password === undefined ? {} : { password: formatVerifier(await makeVerifier(password)) };
  await directory.add(name, { ...secret, ...changes });
  const store = await openDiskStore(place.storage);
  try {
    const home = await store.openHome(name);
    try {
      return !(await isEmptyHome(home));
    } finally {
      await home.close();
    }
  } finally {
    await store.close();
  }
}

export function demandName(name: string): void {
  if (isUserName(name)) return;
  const reason = `"${name}" is not a user name: 1 to 32 of a-z 0-9 . _ -, a letter or digit first`;
  throw new FtpxError("USAGE", { reason });
}

function changesOf(options: {
  readonly quota: number | "default" | undefined;
  readonly files: number | "default" | undefined;
  readonly access: Access | undefined;
}): Changes {
  const { quota, files } = options;
  return {
    ...(quota === undefined ? {} : { quota: quota === "default" ? undefined : formatQuota(quota) }),
    ...(files === undefined ? {} : { files: files === "default" ? undefined : files }),
    ...(options.access === undefined ? {} : { access: options.access }),
  };
}

/** None is a number too: an account that may hold nothing. */
function parseFiles(text: string): number {
  return text === "0" ? 0 : parseCount(text);
}

/** What the server gives to accounts that name nothing. */
function orDefault(parse: (text: string) => number): (text: string) => number | "default" {
  return (text) => (text === "default" ? text : parse(text));
}

function parseAccess(text: string): Access {
  if (isAccess(text)) return text;
  throw new FtpxError("USAGE", {
    reason: `no access level "${text}" (${ACCESS_LEVELS.join(", ")})`,
  });
}

export function report(
  isJson: boolean | undefined,
  event: Record<string, unknown>,
  text: string,
): void {
  if (isJson === true) writeJson(event);
  else writeNote(text);
}
