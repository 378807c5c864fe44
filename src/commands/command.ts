/**
 * What a row of the command table is, and the one way to run it.
 *
 * A row says everything that dispatch, the client, the shell's help and PROTOCOL.md
 * need: code, what it demands, both shapes, the function. The compiler compares the
 * function with the shapes.
 */
import type { FtpxError } from "../base/errors.ts";
import type { Grant } from "../accounts/grants.ts";
import type { Need, Session } from "../sessions/session.ts";
import { record } from "../wire/shape.ts";
import type { RecordOf, Shape } from "../wire/shape.ts";
import type { Notice, NOTICES } from "./notices.ts";

/** The request that is being answered, and the way back for more than one answer. */
export interface Call {
  /** Of the request; also names the transfer that it opens. */
  readonly id: number;
  /** Settles when the reply is queued, so that what follows it cannot overtake it. */
  readonly replied: Promise<void>;
  readonly outlet: Outlet;
}

/** What a transfer does besides its reply. The door knows how. */
export interface Outlet {
  /** Bytes to leave free in front of the content of each frame. */
  readonly prefixBytes: number;
  /** The frame is lent until the promise settles. */
  sendContent(id: number, frame: Uint8Array, offset: number, bytes: number): Promise<void>;
  notify<Name extends keyof typeof NOTICES>(id: number, name: Name, value: Notice<Name>): void;
  /** The open transfer is over. */
  fail(id: number, failure: FtpxError): void;
  /** Nothing more of the client's is read until then; what has come already still comes. */
  holdUntil(room: Promise<void>): void;
}

export interface Command<Request, Reply> {
  /** u8 on the wire, permanent. */
  readonly code: number;
  readonly needs: Need;
  /** A second right, where one alone would tell or do too much. */
  readonly alsoNeeds?: Grant;
  readonly request: Shape<Request>;
  readonly reply: Shape<Reply>;
  /** One line for PROTOCOL.md. */
  readonly about: string;
  /** Its reply can be as long as a body: only PAGES_MAX of a session are made at once. */
  readonly isPage?: boolean;
  /** Registers a transfer it opens before its first wait, so that content may follow at once. */
  readonly run: (session: Session, request: Request, call: Call) => Promise<Reply>;
}

interface Row<Request extends Record<string, unknown>, Reply extends Record<string, unknown>> {
  readonly code: number;
  readonly needs: Need;
  readonly alsoNeeds?: Grant;
  readonly about: string;
  readonly isPage?: boolean;
  readonly request: Request;
  readonly reply: Reply;
  readonly run: (
    session: Session,
    request: RecordOf<Request>,
    call: Call,
  ) => Promise<RecordOf<Reply>>;
}

export function command<
  const Request extends Record<string, unknown>,
  const Reply extends Record<string, unknown>,
>(row: Row<Request, Reply>): Command<RecordOf<Request>, RecordOf<Reply>> {
  return { ...row, request: record(row.request), reply: record(row.reply) };
}

/**
 * Runs a row for a session. Every door comes through here and none can reach the
 * files in another way, so this is the one place where rights are checked.
 *
 * @throws FtpxError BAD_STATE, NOT_SIGNED_IN, FORBIDDEN, and whatever the row throws
 */
export async function perform<Request, Reply>(
  session: Session,
  row: Command<Request, Reply>,
  request: Request,
  call: Call,
): Promise<Reply> {
  demandRights(session, row);
  return await session.during(() => row.run(session, request, call));
}

/** @throws FtpxError BAD_STATE, NOT_SIGNED_IN, FORBIDDEN */
export function demandRights(
  session: Pick<Session, "require">,
  { needs, alsoNeeds }: Pick<Command<never, never>, "needs" | "alsoNeeds">,
): void {
  session.require(needs);
  if (alsoNeeds !== undefined) session.require(alsoNeeds);
}
