/**
 * Frame → row → perform → reply: what a native session does with what comes in.
 *
 * Requests run side by side and are answered as they end. A failure that ends a
 * request is answered under its id; one that ends the connection goes out as the last
 * frame. Content for a transfer that is over is dropped, because its sender may not
 * have heard of that yet.
 */
import { failureOf, FtpxError, isKind } from "../base/errors.ts";
import { PAGES_MAX, REQUESTS_MAX, USEFUL_BYTES_MIN } from "../base/limits.ts";
import { Lanes } from "../base/lanes.ts";
import { demandRights, perform } from "../commands/command.ts";
import type { Call, Outlet } from "../commands/command.ts";
import { NOTICE_OF_CODE, NOTICES } from "../commands/notices.ts";
import type { Notice, NoticeName } from "../commands/notices.ts";
import { COMMAND_OF_CODE } from "../commands/table.ts";
import type { AnyCommand } from "../commands/table.ts";
import type { Session } from "../sessions/session.ts";
import type { Transfer } from "../sessions/transfers.ts";
import type { Connection, ConnectionOwner } from "../wire/connection.ts";
import { CONTENT_PREFIX_BYTES, FLAG_REPLY } from "../wire/frame.ts";
import type { Header } from "../wire/frame.ts";
import { decodeBody, encodeBody } from "../wire/shape.ts";
import type { Shape } from "../wire/shape.ts";

/** Up to here the table of errors names breaches of the protocol. */
const BREACH_CODE_MAX = 15;

export class Dispatch implements ConnectionOwner, Outlet {
  readonly prefixBytes = CONTENT_PREFIX_BYTES;
  readonly #session: Session;
  readonly #connection: Connection;
  #lastRequestId = 0;
  #openRequests = 0;
  #pages: Lanes | undefined;

  /** @param connect makes the connection that this dispatch owns */
  constructor(session: Session, connect: (owner: ConnectionOwner) => Connection) {
    this.#session = session;
    this.#connection = connect(this);
  }

  get connection(): Connection {
    return this.#connection;
  }

  frame(header: Header, body: Uint8Array): void {
    if (header.flags !== 0) throw new FtpxError("BAD_FRAME", { reason: "a reply to nothing" });
    const notice = NOTICE_OF_CODE.get(header.command);
    if (notice !== undefined) this.#notice(notice, header.requestId, body);
    else this.#request(header, body);
  }

  content(requestId: number, offset: number, piece: Uint8Array): void {
    this.#onTransfer(requestId, (transfer) => {
      if (transfer.content === undefined) throw new FtpxError("BAD_STATE", { reason: "content" });
      transfer.content(offset, piece);
    });
  }

  closed(reason: FtpxError): void {
    // A client that goes is nothing that failed.
    const { counters } = this.#session.registry;
    if (reason.kind !== "CONNECTION_LOST") counters.refused(reason.kind);
    void this.#session.end(reason).catch((error: unknown) => this.defect(error));
  }

  defect(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#session.emit("defect", { stack });
  }

  sendContent(id: number, frame: Uint8Array, offset: number, bytes: number): Promise<void> {
    return this.#connection.sendContent(frame, id, offset, bytes);
  }

  notify<Name extends NoticeName>(id: number, name: Name, value: Notice<Name>): void {
    const { code, body } = NOTICES[name];
    this.#connection.send(code, 0, id, encodeBody(body as Shape<unknown>, value));
  }

  fail(id: number, failure: FtpxError): void {
    this.#session.registry.counters.refused(failure.kind);
    this.#connection.sendError(0, id, failure);
  }

  holdUntil(room: Promise<void>): void {
    this.#connection.holdUntil(room);
  }

  #request(header: Header, body: Uint8Array): void {
    const { command, requestId } = header;
    if (requestId <= this.#lastRequestId) {
      throw new FtpxError("BAD_FRAME", { reason: "request ids must grow" });
    }
    this.#lastRequestId = requestId;
    const row = COMMAND_OF_CODE.get(command);
    if (row === undefined) {
      this.#decline(header, new FtpxError("UNKNOWN_COMMAND", { command }));
      return;
    }
    if (this.#openRequests >= REQUESTS_MAX) {
      this.#decline(header, new FtpxError("TOO_MANY_REQUESTS", { limit: REQUESTS_MAX }));
      return;
    }
    this.#openRequests += 1;
    void this.#answer(row, requestId, body);
  }

  /** What is not even begun. */
  #decline({ command, requestId }: Header, refusal: FtpxError): void {
    this.#connection.heardNothing();
    this.#session.registry.counters.refused(refusal.kind);
    this.#connection.sendError(command, requestId, refusal);
  }

  /** Reads the body before its first wait, because the body is lent. Never throws. */
  async #answer(row: AnyCommand, id: number, body: Uint8Array): Promise<void> {
    const replied = Promise.withResolvers<void>();
    const call: Call = { id, replied: replied.promise, outlet: this };
    try {
      // Who may not ask does not get an opinion on the body either.
      demandRights(this.#session, row);
      const request = decodeBody(row.request, body);
      if (row.isPage === true) await this.#takeLane(replied.promise);
      const reply = await perform(this.#session, row, request, call);
      this.#connection.send(row.code, FLAG_REPLY, id, encodeBody(row.reply, reply));
      this.#connection.answered();
    } catch (error) {
      this.#refuse(row, id, error);
    } finally {
      this.#openRequests -= 1;
      replied.resolve();
    }
  }

  /**
   * Gives the lane back when the reply has gone, or stands in a queue that has room: or requests
   * of a few bytes would become replies of many that nobody takes. @throws FtpxError CONNECTION_LOST
   */
  async #takeLane(replied: Promise<void>): Promise<void> {
    this.#pages ??= new Lanes(PAGES_MAX);
    const leave = await this.#pages.enter();
    void replied.then(() => this.#connection.roomy()).then(leave);
    if (!this.#connection.isOpen) throw new FtpxError("CONNECTION_LOST");
  }

  #refuse(row: AnyCommand, id: number, error: unknown): void {
    if (!(error instanceof FtpxError)) this.defect(error);
    const failure = failureOf(error);
    this.#connection.sendError(row.code, id, failure);
    const isOver = failure.row.ends === "connection" || this.#session.isIntrusive;
    if (!isOver) this.#weigh(failure);
    // Where the connection ends with it, that counts.
    if (isOver) this.#connection.fail(failure);
    else this.#session.registry.counters.refused(failure.kind);
  }

  /** A refusal is an answer like others, unless there was nothing to answer. */
  #weigh(failure: FtpxError): void {
    if (failure.row.code > BREACH_CODE_MAX) {
      this.#connection.answered();
      return;
    }
    try {
      this.#connection.heardNothing();
    } catch (error) {
      this.#connection.fail(failureOf(error));
    }
  }

  /** A notice that is dropped; an acknowledgement was on its way when the transfer ended. */
  #weighLate(name: NoticeName, id: number, body: Uint8Array): void {
    let bytes = 0;
    try {
      const { offset } = decodeBody(NOTICES.ack.body, body);
      if (name === "ack") bytes = this.#session.transfers.acknowledgeLate(id, offset);
    } catch (error) {
      if (!isKind(error, "BAD_BODY", "OUT_OF_RANGE")) throw error;
    }
    if (bytes < USEFUL_BYTES_MIN) this.#connection.heardNothing();
  }

  #notice(name: NoticeName, id: number, body: Uint8Array): void {
    if (!this.#session.transfers.open.has(id)) this.#weighLate(name, id, body);
    this.#onTransfer(id, (transfer) => {
      if (name === "proof" && transfer.prove !== undefined) {
        const { index, digest } = decodeBody(NOTICES.proof.body, body);
        transfer.prove(index, digest);
      } else if (name === "ack" && transfer.acknowledge !== undefined) {
        const { offset } = decodeBody(NOTICES.ack.body, body);
        if (transfer.acknowledge(offset) < USEFUL_BYTES_MIN) this.#connection.heardNothing();
      } else {
        throw new FtpxError("BAD_STATE", { reason: `${name} for this transfer` });
      }
    });
  }

  /** @throws FtpxError what ends the connection; what ends the transfer is answered here */
  #onTransfer(id: number, work: (transfer: Transfer) => void): void {
    const transfer = this.#session.transfers.open.get(id);
    if (transfer === undefined) {
      if (id <= this.#lastRequestId && this.#session.isSignedIn) return;
      throw new FtpxError("BAD_FRAME", { reason: "content for a transfer that was never opened" });
    }
    try {
      work(transfer);
    } catch (error) {
      if (!(error instanceof FtpxError) || error.row.ends === "connection") throw error;
      this.fail(id, error);
      void this.#session.transfers.end(id, error).catch((defect: unknown) => this.defect(defect));
    }
  }
}
