/**
 * From a target to a signed-in Remote: which user, is it the right server, which key or what
 * is the password.
 *
 * Trust comes first. Until the server's key is the pinned one, the one named in the
 * target, or one that a person has just accepted, nothing of the sign-in is asked for or
 * sent; the connection on which an unknown key was looked at is closed and never used
 * for more.
 */
import { existsSync } from "node:fs";
import { FtpxError, isKind, withHint } from "../base/errors.ts";
import { DerivedKeys } from "../base/scram.ts";
import { lookAt } from "../client/connect.ts";
import type { Credentials } from "../client/client.ts";
import type { Endpoint } from "../client/connect.ts";
import { Remote, unlessAborted } from "../client/remote.ts";
import type { Retry } from "../client/remote.ts";
import { isWorthRetrying, NO_PLACE } from "../client/retries.ts";
import { formatHost } from "../client/target.ts";
import { isBookmarkName } from "../client/bookmarks.ts";
import type { Target } from "../client/target.ts";
import { clientDirectory, Trust } from "../client/trust.ts";
import { demandName } from "./admin.ts";
import type { OptionsOf } from "./args.ts";
import { visible } from "./escaping.ts";
import { readInputLine } from "./input.ts";
import { findKey, unlockKey } from "./credentials.ts";
import { askPassword, discardTyped } from "./hidden.ts";
import { ask, confirm } from "./questions.ts";
import { canAsk, writeNote } from "./terminal.ts";
import type { CONNECT_OPTIONS } from "./verbs/verb.ts";
import { showError } from "./trouble.ts";
import { SOFTWARE } from "./version.ts";

const RETRIES_DEFAULT = 5;
const PASSWORD_TRIES = 3;
const BROKEN_LINE = [...NO_PLACE, "CONNECTION_LOST", "FRAME_DAMAGED", "PEER_SILENT"] as const;

export type ConnectOptions = OptionsOf<typeof CONNECT_OPTIONS>;

export interface Opened {
  readonly remote: Remote;
  readonly user: string;
  /** `HOST:PORT`. */
  readonly server: string;
  readonly fingerprint: string;
}

/** What is needed besides the target. */
interface Opening {
  readonly options: ConnectOptions;
  readonly onRetry: (retry: Retry) => void;
  readonly onBack: () => void;
  readonly signal: AbortSignal;
}

/**
 * @throws FtpxError UNREACHABLE, TLS_FAILED, UNKNOWN_KEY, CHANGED_KEY, OTHER_KEY, NO_PASSWORD,
 *   SIGN_IN_REFUSED, KEY_REFUSED, TOO_MANY_TRIES, THROTTLED, NOT_GENUINE, BAD_PARAMETERS,
 *   USAGE, INTERRUPTED, and for a key what findKey and unlockKey throw
 */
export async function openRemote(target: Target, opening: Opening): Promise<Opened> {
  const user = target.user ?? (await userName(target));
  const { options, onRetry, onBack, signal } = opening;
  const locked = await findKey(options);
  const { endpoint, fingerprint, isMet } = await settleTrust(target, opening);
  const retriesMax = options.retries ?? RETRIES_DEFAULT;
  const signInWith = async (keys: Credentials): Promise<Remote> => {
    const remote = new Remote({
      endpoint,
      software: SOFTWARE,
      user,
      keys,
      retriesMax,
      onRetry,
      onBack,
    });
    await unlessAborted(signIn(remote, signal), signal);
    return remote;
  };
  const { name: server } = endpoint;
  const opened = (remote: Remote): Opened => ({ remote, user, server, fingerprint });
  // Nobody types a secret for a server that is not there, or is another one.
  const meet = async () => void (isMet || (await unlessAborted(lookAt(endpoint), signal)));
  if (locked !== undefined) {
    if (locked.isEncrypted) await meet();
    // Refused is refused: what was asked for is this key, not whatever else may fit.
    const keys = await unlockKey(locked);
    const remote = signInWith(keys).catch((error: unknown) => {
      throw keyFailure(error, user, locked.file);
    });
    return opened(await remote);
  }
  const withPassword = (password: string) => signInWith(new DerivedKeys(() => password));
  const given = await givenPassword(options);
  if (given !== undefined) return opened(await withPassword(given));
  if (!canAsk()) throw new FtpxError("NO_PASSWORD");
  await meet();
  return opened(await tryPasswords(`password of ${user} on ${server}`, withPassword));
}

/** No password was asked for, so none can be wrong: the server's one refusal says less. */
function keyFailure(error: unknown, user: string, path: string): unknown {
  if (!isKind(error, "SIGN_IN_REFUSED")) return error;
  return new FtpxError("KEY_REFUSED", { user, path }, { cause: error });
}

/** @throws FtpxError USAGE, INTERRUPTED */
async function userName({ host }: Target): Promise<string> {
  const name = process.env["FTPX_USER"] ?? "";
  if (name !== "") return name;
  if (canAsk()) return await ask("user name", { check: demandName });
  const reason = "no user name: write USER@HOST, or set FTPX_USER";
  throw new FtpxError("USAGE", { reason }, { hint: takenFor(host) });
}

/** What may have been meant by a word that was taken for a host. */
function takenFor(host: string): string | undefined {
  if (existsSync(host)) return `"${host}" is a file here, but stands where the server has to`;
  const mayBeMeant = isBookmarkName(host) && !host.includes(".") && host !== "localhost";
  if (mayBeMeant) return `there is no bookmark "${host}", so it was taken for a host`;
  return `"${host}" was taken for the server`;
}

/** The password that needs no question: `--password-stdin`, else FTPX_PASSWORD. */
async function givenPassword({ passwordStdin }: ConnectOptions): Promise<string | undefined> {
  if (passwordStdin === true) {
    return process.stdin.isTTY ? undefined : ((await readInputLine()) ?? "");
  }
  const password = process.env["FTPX_PASSWORD"] ?? "";
  return password === "" ? undefined : password;
}

async function tryPasswords(
  question: string,
  signInWith: (password: string) => Promise<Remote>,
): Promise<Remote> {
  for (let triesLeft = PASSWORD_TRIES - 1; ; triesLeft -= 1) {
    const password = await askPassword(question);
    try {
      return await signInWith(password);
    } catch (error) {
      if (!isKind(error, "SIGN_IN_REFUSED") || triesLeft === 0) {
        await discardTyped();
        throw error;
      }
      showError(error);
    }
  }
}

/**
 * A server that cannot be reached at all is told at once; a line that breaks gets another try, and
 * so does who is to wait, if not for long.
 */
async function signIn(remote: Remote, signal: AbortSignal): Promise<void> {
  try {
    await remote.client();
  } catch (error) {
    if (!isKind(error, ...BROKEN_LINE) || !isWorthRetrying(error)) throw error;
    await remote.retrying(async () => {}, { signal });
  }
}

/** What is needed to settle whether a server is the right one. */
interface TrustWish {
  readonly options: Pick<ConnectOptions, "plain" | "acceptNew" | "bind">;
  readonly signal: AbortSignal;
}

interface Trusted {
  /** With the key that it must show. */
  readonly endpoint: Endpoint;
  readonly fingerprint: string;
  /** Whether the server was just seen, with that key. */
  readonly isMet: boolean;
}

/** @throws FtpxError UNKNOWN_KEY, CHANGED_KEY, UNREACHABLE, TLS_FAILED, BAD_CONFIG, INTERRUPTED */
export async function settleTrust(
  target: Target,
  { options, signal }: TrustWish,
): Promise<Trusted> {
  const { host, port, fingerprint: told } = target;
  const name = formatHost(host, port);
  const address = { host, port, name, localAddress: options.bind };
  if (options.plain === true) {
    // There is no key to be sure of; what is on this machine is trusted.
    const endpoint = { ...address, fingerprint: undefined, isPlain: true };
    return { endpoint, fingerprint: `plain:${name}`, isMet: true };
  }
  const trust = new Trust(clientDirectory(process.env));
  const pinned = await trust.find(name);
  if (pinned !== undefined) {
    if (told !== undefined && told !== pinned) {
      const details = { host: name, expected: pinned, fingerprint: told, file: trust.file };
      throw new FtpxError("OTHER_KEY", details);
    }
    const endpoint = { ...address, fingerprint: pinned, pinFile: trust.file };
    return { endpoint, fingerprint: pinned, isMet: false };
  }
  const fingerprint = await unlessAborted(lookAt({ ...address, fingerprint: told }), signal);
  if (told === undefined && options.acceptNew !== true) await demandConsent(name, fingerprint);
  await trust.pin(name, fingerprint);
  const endpoint = { ...address, fingerprint, pinFile: trust.file };
  return { endpoint, fingerprint, isMet: true };
}

/** @throws FtpxError UNKNOWN_KEY, INTERRUPTED */
async function demandConsent(host: string, fingerprint: string): Promise<void> {
  const refusal = new FtpxError("UNKNOWN_KEY", { host, fingerprint });
  if (!canAsk()) throw refusal;
  writeNote(`${visible(host)} is not known here. Its key:\n\n    ${fingerprint}\n`);
  if (await confirm("Is that what the server printed? Trust it from now on?")) return;
  // Whoever has just said no is not told how to say yes.
  const hint = "ask the operator which key it is: ftpx fingerprint prints it there";
  throw withHint(refusal, hint, "UNKNOWN_KEY");
}
