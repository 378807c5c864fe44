/**
 * Who is here, and how to make them leave: sessions, kick, drain. The operator's, on the
 * local socket only.
 */
import { FtpxError } from "../base/errors.ts";
import { SESSIONS_PAGE_BYTES, SESSIONS_PAGE_MAX } from "../base/limits.ts";
import type { Session } from "../sessions/session.ts";
import { optional, size, u32 } from "../wire/shape.ts";
import { command } from "./command.ts";
import type { Call } from "./command.ts";
import * as fields from "./fields.ts";

/** What a session takes on the wire besides its texts, and so does a transfer. */
const FIXED_BYTES = 64;

/** Sessions by number: a page of those behind `after`. Whoever asks is not told of itself. */
export async function sessions(asking: Session, { after }: { readonly after: number }) {
  const nowMs = performance.now();
  const page: ReturnType<typeof presenceOf>[] = [];
  let roomBytes = SESSIONS_PAGE_BYTES;
  // In the order of their numbers, because a set keeps the order in which they came.
  for (const session of asking.registry.sessions) {
    if (session.id <= after || session === asking) continue;
    if (page.length === SESSIONS_PAGE_MAX || roomBytes <= 0) break;
    const presence = presenceOf(session, nowMs);
    page.push(presence);
    roomBytes -= bytesOf(presence);
  }
  return { sessions: page };
}

function presenceOf(session: Session, nowMs: number) {
  const { id, account, line, client, beganMs } = session;
  const transfers = movesOf(session, nowMs);
  return {
    id,
    user: account?.name ?? "",
    door: line.door,
    address: line.address,
    client,
    ageMs: Math.round(nowMs - beganMs),
    idleMs: Math.round(Math.max(0, nowMs - session.lastActiveMs(nowMs))),
    transferCount: session.transfers.open.size,
    transfers,
  };
}

/** As many as fit a page, which is all of them unless their paths are very long. */
function movesOf(session: Session, nowMs: number) {
  let roomBytes = SESSIONS_PAGE_BYTES;
  const moves = [];
  for (const { motion } of session.transfers.open.values()) {
    const { direction, path, doneBytes, totalBytes } = motion;
    roomBytes -= FIXED_BYTES + textBytes(path);
    if (roomBytes < 0) break;
    const bytesPerSecond = Math.round(motion.rate(nowMs));
    moves.push({ direction, path, doneBytes, totalBytes, bytesPerSecond });
  }
  return moves;
}

function bytesOf({ address, client, transfers }: ReturnType<typeof presenceOf>): number {
  const own = 2 * FIXED_BYTES + textBytes(address) + textBytes(client);
  return transfers.reduce((sum, { path }) => sum + FIXED_BYTES + textBytes(path), own);
}

/** At most: a UTF-16 unit takes no more than three bytes of UTF-8. */
function textBytes(text: string): number {
  return 3 * text.length;
}

interface KickRequest {
  /** Of this user, unless it is empty; */
  readonly user: string;
  /** else this one. */
  readonly session: number;
  readonly reason: string;
}

/** Ends sessions at once; what they had open stays resumable. @throws FtpxError NO_SUCH_SESSION */
async function kick(asking: Session, { user, session: id, reason }: KickRequest) {
  const fits = (one: Session) =>
    one !== asking && (user === "" ? one.id === id : one.account?.name === user);
  const failure = new FtpxError("KICKED", reason === "" ? {} : { reason });
  const kicked = await asking.registry.endSessions(fits, failure);
  if (kicked.length === 0) {
    throw new FtpxError("NO_SUCH_SESSION", { user: user === "" ? String(id) : user });
  }
  for (const one of kicked) one.emit("kicked", reason === "" ? {} : { reason });
  return { count: kicked.length };
}

/** Begins what SIGTERM begins; without a time, open transfers get what the server was started with. */
async function drain(
  { registry }: Session,
  { graceMs }: { readonly graceMs: number | undefined },
  { replied }: Call,
) {
  // Where nothing is under way the end comes at once, and would come before the answer.
  const graceMsMax = registry.stop(graceMs, replied);
  return { transfers: registry.transferCount, graceMs: Math.round(graceMsMax) };
}

export const PRESENCE_ROWS = {
  sessions: command({
    code: 0x64,
    needs: "admin",
    about: "who is here and what moves, by number: a page behind `after`; an empty one ends",
    request: { after: u32 },
    reply: { sessions: fields.presences },
    run: sessions,
  }),
  kick: command({
    code: 0x65,
    needs: "admin",
    about: "ends the sessions of a user, or for an empty name one session, with KICKED",
    request: { user: fields.user, session: u32, reason: fields.kickReason },
    reply: { count: u32 },
    run: kick,
  }),
  drain: command({
    code: 0x66,
    needs: "admin",
    about: "tells the server to stop as SIGTERM does; another one can only shorten the grace",
    request: { graceMs: optional(size) },
    reply: { transfers: u32, graceMs: size },
    run: drain,
  }),
} as const;
