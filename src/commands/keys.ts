/**
 * Sign-in by key: a nonce, and a signature over it (base/signature.ts).
 *
 * Whoever asks gets a nonce, and every signature is checked, against the key that the peer
 * named itself. Only then it matters whether there is such an account, whether it may sign
 * in and whether the key is one of its own, and the refusal is the same for all of that.
 * What is under way is a try like one with a password, and counts with those.
 */
import { randomBytes } from "node:crypto";
import { FtpxError } from "../base/errors.ts";
import { keyFingerprint } from "../base/keyblob.ts";
import { CHALLENGE_BYTES, isSigned, signInMessage } from "../base/signature.ts";
import type { Means, Session } from "../sessions/session.ts";
import { beginTry, enter, NOT_BEGUN, refuse } from "./signin.ts";

interface KeyFirst {
  readonly user: string;
  readonly publicKey: Uint8Array;
}

/** @throws FtpxError BAD_STATE, SIGN_IN_REFUSED, TOO_MANY_TRIES */
export async function keyFirst(session: Session, { user, publicKey }: KeyFirst) {
  beginTry(session);
  const account = session.registry.accounts.get(user);
  const nonce = randomBytes(CHALLENGE_BYTES);
  session.attempt = { method: "key", user, account, publicKey, nonce };
  return { nonce };
}

/** @throws FtpxError BAD_STATE, SIGN_IN_REFUSED, TOO_MANY_TRIES, THROTTLED, USER_FULL */
export async function keyFinal(session: Session, { signature }: { signature: Uint8Array }) {
  session.demandStranger();
  const { attempt, line, registry } = session;
  session.attempt = undefined;
  const { binding, fingerprint = "" } = line;
  if (attempt?.method !== "key" || binding === undefined) {
    throw new FtpxError("BAD_STATE", { reason: NOT_BEGUN });
  }
  const { user, account, publicKey, nonce } = attempt;
  registry.porter.demandTurn(session, user, "key");
  const message = signInMessage({ binding, fingerprint, user, publicKey, nonce });
  const isProved = isSigned(publicKey, message, signature);
  const means: Means = { method: "key", publicKey };
  // Before anything is refused: one time for every refusal.
  const isOwn = account !== undefined && registry.stillOpen(account, means) !== undefined;
  if (!isProved) return refuse(session, attempt, "wrong signature");
  if (!isOwn) return refuse(session, attempt, "unknown key");
  await enter(session, attempt, means);
  session.emit("login", { method: "key", key: keyFingerprint(publicKey) });
  return {};
}
