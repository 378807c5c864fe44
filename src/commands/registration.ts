/**
 * Asking for an account, and the operator's side of it.
 *
 * A stranger hears the same of every name. Who waits holds no connection open: an answer comes
 * at once, says what there is, and when to ask again. Tickets, codes and verifiers are in no
 * event.
 */
import { FtpxError } from "../base/errors.ts";
import { REGISTRATION_CALLS_MAX, TICKET_BYTES } from "../base/limits.ts";
import type { Application, Decision } from "../sessions/admission.ts";
import type { Session } from "../sessions/session.ts";
import type { AccountLimits } from "../state/contract.ts";

/** @throws FtpxError BAD_STATE, TOO_MANY_REQUESTS, and what Admission.register throws */
export async function register(session: Session, application: Application) {
  demandApplicant(session);
  demandWhole(application.ticket);
  if (application.invite !== undefined) demandWhole(application.invite);
  const { admission } = session.registry;
  // Before it is answered: an invite makes the name a taken one.
  const isTaken = admission.isTaken(application.user);
  const { row, isKnown, sameNameCount } = await admission.register(
    application,
    session.line.address,
  );
  if (!isKnown) {
    session.emit("registration", {
      name: row.user,
      number: row.number,
      taken: isTaken,
      // What is not so is not said: people read these lines.
      invited: row.invite === undefined ? undefined : true,
      sameName: sameNameCount > 1 ? sameNameCount : undefined,
      note: row.note === "" ? undefined : row.note,
    });
  }
  return { outcome: row.outcome, reason: row.reason, againMs: admission.againMs };
}

/** @throws FtpxError BAD_STATE, TOO_MANY_REQUESTS */
export async function awaitRegistration(session: Session, { ticket }: { ticket: Uint8Array }) {
  demandApplicant(session);
  const { admission } = session.registry;
  const row = await admission.answer(ticket);
  if (row === undefined) session.hasGuessed = true;
  const { againMs } = admission;
  return { outcome: row?.outcome ?? ("unknown" as const), reason: row?.reason ?? "", againMs };
}

export async function registrations(session: Session) {
  return { registrations: await session.registry.admission.waiting() };
}

export async function decide(session: Session, decision: Decision) {
  return { user: await session.registry.admission.decide(decision) };
}

interface InviteWish extends AccountLimits {
  readonly user: string | undefined;
  readonly lifeMs: number;
}

export async function invite(session: Session, { user, lifeMs, ...limits }: InviteWish) {
  const { admission } = session.registry;
  const { host = "", port = 0 } = admission.listening ?? {};
  return { ...(await admission.invite(user, limits, lifeMs)), host, port };
}

export async function invites(session: Session) {
  return { invites: await session.registry.admission.invites() };
}

export async function revokeInvite(session: Session, { number }: { number: number }) {
  return { isRevoked: await session.registry.admission.revokeInvite(number) };
}

/** @throws FtpxError BAD_STATE, TOO_MANY_REQUESTS */
function demandApplicant(session: Session): void {
  session.demandStranger();
  session.registrationCalls += 1;
  session.hasGuessed ||= session.registrationCalls > REGISTRATION_CALLS_MAX;
  if (session.registrationCalls > REGISTRATION_CALLS_MAX) {
    throw new FtpxError("TOO_MANY_REQUESTS", { limit: REGISTRATION_CALLS_MAX });
  }
}

function demandWhole(ticket: Uint8Array): void {
  if (ticket.byteLength === TICKET_BYTES) return;
  throw new FtpxError("BAD_REGISTRATION", { reason: `a ticket has ${TICKET_BYTES} bytes` });
}
