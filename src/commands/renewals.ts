/**
 * A user's own change of password. The current password is proved again (base/renewal.ts),
 * because whoever sits down at an open session must not be able to keep the account.
 *
 * An account without a password gets none in this way: the operator has decided so, and
 * nothing could be proved. Rights do not matter: a read-only account changes its own secret.
 */
import { randomBytes } from "node:crypto";
import { FtpxError, isKind } from "../base/errors.ts";
import { SIGN_IN_TRIES_MAX } from "../base/limits.ts";
import { isRenewalProved, NO_VERIFIER } from "../base/renewal.ts";
import { CHALLENGE_BYTES } from "../base/signature.ts";
import { formatVerifier, parseNewVerifier } from "../base/verifier.ts";
import type { Verifier } from "../base/verifier.ts";
import type { Session } from "../sessions/session.ts";

const NONE = "this account has none, and only the operator can set one";
const WRONG = "the current one is wrong";
const TOO_OFTEN = "it was changed too often within the last hour; try again later";
const UNWRITABLE = "the server cannot write it to accounts.toml; tell the operator";

/** @throws FtpxError FORBIDDEN to the operator, PASSWORD_REFUSED, TOO_MANY_TRIES */
export async function passwordFirst(session: Session) {
  session.renewal = undefined;
  const { verifier } = ownAccount(session);
  if (verifier === undefined) throw new FtpxError("PASSWORD_REFUSED", { reason: NONE });
  session.renewalTries += 1;
  if (session.renewalTries > SIGN_IN_TRIES_MAX) throw new FtpxError("TOO_MANY_TRIES");
  const nonce = randomBytes(CHALLENGE_BYTES);
  session.renewal = { nonce, verifier };
  const { salt, memoryKib, passes } = verifier;
  return { salt, memoryKib, passes, nonce };
}

interface PasswordFinal {
  readonly proof: Uint8Array;
  readonly verifier: string;
}

/** @throws FtpxError BAD_STATE, BAD_BODY, PASSWORD_REFUSED, TOO_MANY_TRIES, DISK_FULL, … */
export async function passwordFinal(session: Session, { proof, verifier: wanted }: PasswordFinal) {
  const { renewal, line } = session;
  session.renewal = undefined;
  const { binding, fingerprint = "" } = line;
  if (renewal === undefined || binding === undefined) {
    throw new FtpxError("BAD_STATE", { reason: "no change of password has begun" });
  }
  const { name: user } = ownAccount(session);
  const about = { binding, fingerprint, user, nonce: renewal.nonce, verifier: wanted };
  if (!isRenewalProved(about, renewal.verifier, proof)) refuseProof(session);
  session.renewalTries = 0;
  // Whoever wants to know whether it is right before the new one is thought of.
  if (wanted === NO_VERIFIER) return {};
  const password = formatVerifier(
    parseNewVerifier(wanted, (reason) => {
      throw new FtpxError("BAD_BODY", { reason });
    }),
  );
  noteRenewal(session, user);
  await write(session, user, password, renewal.verifier);
  session.emit("passwd");
  return {};
}

/** As it is now: a change of it may not have come to this session yet. */
function ownAccount({ account, registry }: Session) {
  const own = account === undefined ? undefined : registry.accounts.get(account.name);
  if (own === undefined) throw new FtpxError("FORBIDDEN");
  return own;
}

function refuseProof(session: Session): never {
  session.emit("passwd-failed", { reason: "wrong password" });
  const isLast = session.renewalTries >= SIGN_IN_TRIES_MAX;
  if (isLast) throw new FtpxError("TOO_MANY_TRIES");
  throw new FtpxError("PASSWORD_REFUSED", { reason: WRONG });
}

/** Whoever knows the password can make the server rewrite the file, and not for ever. */
function noteRenewal({ registry }: Session, user: string): void {
  try {
    registry.renewals.note(user, performance.now());
  } catch (error) {
    if (!(error instanceof FtpxError)) throw error;
    throw new FtpxError(error.kind, { ...error.details, reason: TOO_OFTEN });
  }
}

/** Where the server keeps its files is nothing that a user is told. */
async function write(
  session: Session,
  user: string,
  password: string,
  proved: Verifier,
): Promise<void> {
  try {
    await session.registry.changeAccount(user, { password }, session, (account) => {
      const { verifier } = account;
      // The operator was faster, and this session has not been ended yet.
      if (!session.registry.mayStay(session, account)) throw new FtpxError("ACCOUNT_CLOSED");
      // Somebody else was faster: what was proved is worth nothing any more.
      const isSame = verifier !== undefined && formatVerifier(verifier) === formatVerifier(proved);
      if (!isSame) throw new FtpxError("PASSWORD_REFUSED", { reason: WRONG });
    });
  } catch (error) {
    const isSaid = isKind(error, "PASSWORD_REFUSED", "ACCOUNT_CLOSED");
    if (!(error instanceof FtpxError) || isSaid) throw error;
    session.emit("fault", { work: "passwd", reason: error.kind });
    if (isKind(error, "BAD_ACCOUNTS", "BAD_CONFIG", "NO_SUCH_ACCOUNT")) {
      throw new FtpxError("PASSWORD_REFUSED", { reason: UNWRITABLE }, { cause: error });
    }
    throw new FtpxError(error.kind, {}, { cause: error });
  }
}
