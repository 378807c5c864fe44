/**
 * Who is there: greeting and sign-in by password. Sign-in by key is keys.ts; tries of both
 * are counted together.
 *
 * Unknown, disabled and password-less accounts go through the same messages and the
 * same work as real ones, against a verifier that nobody can satisfy; the refusal is
 * one and the same, the true reason goes to the log. How often a source or a name is
 * looked at is sessions/porter.ts: its refusal comes at the last message, where it says
 * nothing about the name.
 */
import { FtpxError } from "../base/errors.ts";
import { REQUESTS_MAX, BODY_BYTES_MAX, SIGN_IN_TRIES_MAX, TRANSFERS_MAX } from "../base/limits.ts";
import { ServerExchange } from "../base/scram.ts";
import { fakeVerifier } from "../base/verifier.ts";
import type { Means, Session, SignInAttempt } from "../sessions/session.ts";

interface Hello {
  readonly client: string;
  readonly features: readonly string[];
}

/** A client that only asks, every few seconds, what became of its request for an account. */
export const WAITING = "waiting";

export async function hello(session: Session, { client, features }: Hello) {
  if (session.hasGreeted) throw new FtpxError("BAD_STATE", { reason: "second hello" });
  session.hasGreeted = true;
  session.client = client;
  // A line for each of its questions would bury the others.
  if (!features.includes(WAITING)) session.emit("session", { client });
  return {
    server: session.registry.settings.version,
    features: [],
    bodyBytesMax: BODY_BYTES_MAX,
    requestsMax: REQUESTS_MAX,
    transfersMax: TRANSFERS_MAX,
  };
}

interface ScramMessage {
  readonly message: string;
}

/** @throws FtpxError BAD_STATE, SIGN_IN_REFUSED, TOO_MANY_TRIES */
export async function scramFirst(session: Session, { message }: ScramMessage) {
  const binding = beginTry(session);
  const exchange = new ServerExchange(binding);
  const user = exchange.first(message);
  const { accounts, knownParameters, settings } = session.registry;
  const account = accounts.get(user);
  // Made for everybody, or its time would tell who is known.
  const fake = fakeVerifier(settings.secret, user, knownParameters);
  const verifier = account?.verifier ?? fake;
  session.attempt = { method: "password", user, account, exchange };
  return { message: exchange.challenge(verifier) };
}

/** @throws FtpxError BAD_STATE, SIGN_IN_REFUSED, TOO_MANY_TRIES, THROTTLED, USER_FULL */
export async function scramFinal(session: Session, { message }: ScramMessage) {
  session.demandStranger();
  const { attempt } = session;
  session.attempt = undefined;
  if (attempt?.method !== "password") throw new FtpxError("BAD_STATE", { reason: NOT_BEGUN });
  session.registry.porter.demandTurn(session, attempt.user, "password");
  const outcome = attempt.exchange.final(message);
  if (!outcome.ok) return refuse(session, attempt, "wrong password");
  await enter(session, attempt, { method: "password" });
  session.emit("login", { method: "password" });
  return { message: outcome.serverFinal };
}

export const NOT_BEGUN = "no sign-in of this kind has begun";

/**
 * Counted here, so that messages that are no sign-in at all count too.
 *
 * @returns what the proof must be bound to
 * @throws FtpxError BAD_STATE, SIGN_IN_REFUSED, TOO_MANY_TRIES
 */
export function beginTry(session: Session): Uint8Array {
  session.demandStranger();
  session.attempt = undefined;
  const { binding } = session.line;
  if (binding === undefined) throw new FtpxError("SIGN_IN_REFUSED");
  session.tries += 1;
  if (session.tries > SIGN_IN_TRIES_MAX) throw new FtpxError("TOO_MANY_TRIES");
  return binding;
}

/** The proof was right. @throws FtpxError SIGN_IN_REFUSED, TOO_MANY_TRIES, CONNECTION_LOST */
export async function enter(session: Session, attempt: SignInAttempt, means: Means): Promise<void> {
  const { account } = attempt;
  // The account may have changed since the first message.
  const isOpen = account !== undefined && session.registry.stillOpen(account, means) !== undefined;
  const isSignedIn = isOpen && (await session.signIn(account, means));
  if (!isSignedIn) refuse(session, attempt, "account has changed");
}

/**
 * @param otherwise what was wrong, for the log, when it was not the account itself
 * @throws FtpxError SIGN_IN_REFUSED, TOO_MANY_TRIES, THROTTLED
 */
export function refuse(session: Session, attempt: SignInAttempt, otherwise: string): never {
  const { user, method } = attempt;
  const account = session.registry.accounts.get(user);
  const reason = account?.isDisabled === true ? "account is disabled" : otherwise;
  session.emit("login-failed", { name: user, reason: account ? reason : "unknown user" });
  session.registry.porter.failed(session, user, method);
  const isLast = session.tries >= SIGN_IN_TRIES_MAX;
  throw new FtpxError(isLast ? "TOO_MANY_TRIES" : "SIGN_IN_REFUSED");
}
