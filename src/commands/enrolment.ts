/**
 * Rows of the table (table.ts) for asking for an account: two that strangers send, and the
 * operator's. What they do is registration.ts.
 */
import {
  ANSWERS_MAX,
  INVITES_MAX,
  NOTE_BYTES_MAX,
  REGISTRATIONS_MAX,
  TICKET_BYTES,
  VERIFIER_BYTES_MAX,
} from "../base/limits.ts";
import { bytes, choice, flag, listOf, optional, record, size, text, u32 } from "../wire/shape.ts";
import { command } from "./command.ts";
import { user } from "./fields.ts";
import * as registration from "./registration.ts";

const verifier = text(VERIFIER_BYTES_MAX);
const note = text(NOTE_BYTES_MAX);
const ticket = bytes(TICKET_BYTES);
const outcome = choice({ pending: 1, approved: 2, denied: 3, unknown: 4 });
const decision = choice({ approved: 2, denied: 3 });

/** What an account gets; absent is the server's default. */
const limits = {
  quotaBytes: optional(size),
  filesMax: optional(size),
  access: optional(choice({ full: 1, "read-only": 2, "upload-only": 3 })),
} as const;

const registrations = listOf(
  record({ number: size, user, address: text(64), note, askedMs: size, isTaken: flag }),
  REGISTRATIONS_MAX,
);

const invites = listOf(
  record({
    number: size,
    user: optional(user),
    ...limits,
    expiresMs: size,
    status: choice({ open: 1, used: 2, revoked: 3 }),
    usedBy: optional(user),
  }),
  INVITES_MAX + ANSWERS_MAX,
);

/** A stranger's rows of the table. */
export const APPLICANT_ROWS = {
  register: command({
    code: 0x18,
    needs: "hello",
    about:
      "asks for an account; with an invite it is there at once. The same ticket, the same request",
    request: { user, verifier, note, ticket, invite: optional(ticket) },
    reply: { outcome, reason: note, againMs: u32 },
    run: registration.register,
  }),
  awaitRegistration: command({
    code: 0x19,
    needs: "hello",
    about: "what a request has become, for the holder of its ticket; who waits asks again",
    request: { ticket },
    reply: { outcome, reason: note, againMs: u32 },
    run: registration.awaitRegistration,
  }),
} as const;

/** The operator's. */
export const REGISTRATION_ROWS = {
  registrations: command({
    code: 0x68,
    needs: "admin",
    about: "the requests for an account that wait, the oldest first",
    request: {},
    reply: { registrations },
    run: registration.registrations,
  }),
  decide: command({
    code: 0x69,
    needs: "admin",
    about: "answers a request for an account; approved, the account is there with the reply",
    request: { number: size, outcome: decision, reason: note, mayTakeFiles: flag, ...limits },
    reply: { user },
    run: registration.decide,
  }),
  invite: command({
    code: 0x6a,
    needs: "admin",
    about: "makes an invite, for one name or for any; also tells where the server listens",
    request: { user: optional(user), ...limits, lifeMs: size },
    reply: { number: size, code: ticket, expiresMs: size, host: text(255), port: u32 },
    run: registration.invite,
  }),
  invites: command({
    code: 0x6b,
    needs: "admin",
    about: "the invites that are open, and those that were closed lately",
    request: {},
    reply: { invites },
    run: registration.invites,
  }),
  revokeInvite: command({
    code: 0x6c,
    needs: "admin",
    about: "takes an invite back; not one that is used already",
    request: { number: size },
    reply: { isRevoked: flag },
    run: registration.revokeInvite,
  }),
} as const;
