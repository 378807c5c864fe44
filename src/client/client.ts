/**
 * One connection to a server whose key was checked already: sign-in, calls, transfers.
 *
 * A call is answered by its row's reply or rejects with the server's
 * typed error; when the connection ends, everything that waits rejects with the reason.
 */
import { FtpxError } from "../base/errors.ts";
import { BODY_BYTES_MAX, WATCH_EVERY_MS } from "../base/limits.ts";
import { Patience } from "../base/patience.ts";
import type { Awaited } from "../base/patience.ts";
import { NO_VERIFIER, proveRenewal } from "../base/renewal.ts";
import { ClientExchange } from "../base/scram.ts";
import type { DerivedKeys } from "../base/scram.ts";
import { SigningKey, signInMessage } from "../base/signature.ts";
import { formatVerifier, makeVerifier } from "../base/verifier.ts";
import type { Command } from "../commands/command.ts";
import { NOTICE_OF_CODE, NOTICES } from "../commands/notices.ts";
import type { Notice, NoticeName } from "../commands/notices.ts";
import { TABLE } from "../commands/table.ts";
import type { CommandName } from "../commands/table.ts";
import { Connection } from "../wire/connection.ts";
import type { ConnectionOwner } from "../wire/connection.ts";
import { CONTENT_PREFIX_BYTES, FLAG_ERROR, FLAG_REPLY } from "../wire/frame.ts";
import type { Header } from "../wire/frame.ts";
import type { RawSocket } from "../wire/link.ts";
import { decodeBody, encodeBody } from "../wire/shape.ts";
import type { Shape } from "../wire/shape.ts";
import { awaitedFor } from "./deadlines.ts";

export type RequestOf<Name extends CommandName> =
  (typeof TABLE)[Name] extends Command<infer Request, infer _> ? Request : never;
export type ReplyOf<Name extends CommandName> =
  (typeof TABLE)[Name] extends Command<infer _, infer Reply> ? Reply : never;

/** Where a transfer's content and notices go. */
export interface TransferListener {
  content?(offset: number, piece: Uint8Array): void;
  notice<Name extends NoticeName>(name: Name, value: Notice<Name>): void;
  /** The transfer is over; nothing more comes. */
  failed(failure: FtpxError): void;
  /** How long the server may keep it waiting. */
  readonly stallMsMax?: number;
  /** Whether it is the server's turn: to send content, or to make room for some. */
  isWaiting?(): boolean;
}

interface OpenTransfer {
  readonly listener: TransferListener;
  readonly awaited: Awaited;
}

export interface StartedCall<Reply> {
  readonly id: number;
  readonly reply: Promise<Reply>;
}

interface Pending {
  readonly reply: Shape<unknown>;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (failure: FtpxError) => void;
  readonly awaited: Awaited;
}

/** What a user signs in with. */
export type Credentials = DerivedKeys | SigningKey;

export class Client implements ConnectionOwner {
  readonly prefixBytes = CONTENT_PREFIX_BYTES;
  readonly #connection: Connection;
  readonly #pending = new Map<number, Pending>();
  readonly #transfers = new Map<number, OpenTransfer>();
  readonly #patience = new Patience();
  readonly #binding: () => Uint8Array;
  /** Of the key that the server showed; empty without TLS. */
  readonly #fingerprint: string;
  readonly #watching: ReturnType<typeof setInterval>;
  readonly #finished = Promise.withResolvers<FtpxError>();
  #lastId = 0;
  #end: FtpxError | undefined;

  constructor(
    socket: RawSocket,
    binding: () => Uint8Array,
    { isChecked = false, isOperators = false, fingerprint = "" } = {},
  ) {
    this.#connection = new Connection(socket, this, BODY_BYTES_MAX, { isChecked, isOperators });
    this.#binding = binding;
    this.#fingerprint = fingerprint;
    this.#watching = setInterval(() => this.#watch(performance.now()), WATCH_EVERY_MS);
  }

  get connection(): Connection {
    return this.#connection;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Why it is not open any more. */
  get ended(): FtpxError | undefined {
    return this.#end;
  }

  /** Resolves when it is not open any more, with why. */
  get finished(): Promise<FtpxError> {
    return this.#finished.promise;
  }

  /** @throws FtpxError NOT_GENUINE, BAD_PARAMETERS, SIGN_IN_REFUSED, TOO_MANY_TRIES */
  async signIn(user: string, credentials: Credentials): Promise<void> {
    if (credentials instanceof SigningKey) await this.#signInByKey(user, credentials);
    else await this.#signInByPassword(user, credentials);
  }

  async #signInByPassword(user: string, keys: DerivedKeys): Promise<void> {
    const exchange = new ClientExchange(user, keys, this.#binding());
    const first = await this.call("scramFirst", { message: exchange.first() });
    const final = await this.call("scramFinal", { message: await exchange.final(first.message) });
    try {
      exchange.verify(final.message);
    } catch (error) {
      this.#connection.terminate();
      throw error;
    }
  }

  /** The pinned key has proved the server already, and nothing that is sent here is a secret. */
  async #signInByKey(user: string, key: SigningKey): Promise<void> {
    const { publicKey } = key;
    const { nonce } = await this.call("keyFirst", { user, publicKey });
    const about = { binding: this.#binding(), fingerprint: this.#fingerprint };
    const message = signInMessage({ ...about, user, publicKey, nonce });
    await this.call("keyFinal", { signature: key.sign(message) });
  }

  /**
   * Sets the user's own password. The new one does not leave this machine, only its verifier.
   *
   * @param current of the current password, which is proved once more
   * @throws FtpxError PASSWORD_REFUSED, TOO_MANY_TRIES, BAD_PARAMETERS, NO_PASSWORD, USAGE,
   *   DISK_FULL, …
   */
  async changePassword(user: string, current: DerivedKeys, next: string): Promise<void> {
    // First of all: what cannot be a password costs no try.
    await this.#renew(user, current, formatVerifier(await makeVerifier(next)));
  }

  /** Whether it is right, before a new one is asked for. @throws as changePassword */
  async provePassword(user: string, current: DerivedKeys): Promise<void> {
    await this.#renew(user, current, NO_VERIFIER);
  }

  async #renew(user: string, current: DerivedKeys, verifier: string): Promise<void> {
    const { salt, nonce, ...parameters } = await this.call("passwordFirst", {});
    const keys = await current.keysFor(salt, parameters);
    const about = { binding: this.#binding(), fingerprint: this.#fingerprint };
    const proof = proveRenewal({ ...about, user, nonce, verifier }, keys);
    await this.call("passwordFinal", { proof, verifier });
  }

  /** @throws FtpxError what the server answers, or why the connection ended */
  call<Name extends CommandName>(name: Name, request: RequestOf<Name>): Promise<ReplyOf<Name>> {
    return this.start(name, request).reply;
  }

  /** As `call`, with the id, which also names the transfer that the request opens. */
  start<Name extends CommandName>(
    name: Name,
    request: RequestOf<Name>,
    listener?: TransferListener,
  ): StartedCall<ReplyOf<Name>> {
    const row = TABLE[name] as unknown as Command<RequestOf<Name>, ReplyOf<Name>>;
    const id = (this.#lastId += 1);
    const { promise, resolve, reject } = Promise.withResolvers<ReplyOf<Name>>();
    if (this.#end !== undefined) {
      reject(this.#end);
      return { id, reply: promise };
    }
    const body = encodeBody(row.request, request);
    if (listener !== undefined) {
      const awaited = { msMax: listener.stallMsMax ?? Infinity, sinceMs: undefined };
      this.#transfers.set(id, { listener, awaited });
    }
    const settle = resolve as (reply: unknown) => void;
    const awaited = awaitedFor(name);
    this.#pending.set(id, { reply: row.reply, resolve: settle, reject, awaited });
    this.#connection.send(row.code, 0, id, body);
    return { id, reply: promise };
  }

  /** The transfer is over for this side; what still comes for it is dropped. */
  forget(id: number): void {
    this.#transfers.delete(id);
  }

  notify<Name extends NoticeName>(id: number, name: Name, value: Notice<Name>): void {
    const { code, body } = NOTICES[name];
    this.#connection.send(code, 0, id, encodeBody(body as Shape<unknown>, value));
  }

  /** The frame is lent until the promise settles. */
  async sendContent(id: number, frame: Uint8Array, offset: number, bytes: number): Promise<void> {
    await this.#connection.sendContent(frame, id, offset, bytes);
    this.moved(bytes);
  }

  /** So many bytes of a transfer went on their way, or have arrived. */
  moved(bytes: number): void {
    this.#patience.moved(bytes);
  }

  /** A round trip earlier where everything has been answered: nobody waits for the server's FIN. */
  close(): void {
    this.#connection.finish(this.#pending.size === 0 && this.#transfers.size === 0);
  }

  frame(header: Header, body: Uint8Array): void {
    const { requestId, command, flags } = header;
    const notice = NOTICE_OF_CODE.get(command);
    if ((flags & FLAG_ERROR) !== 0) this.#failed(requestId, this.#connection.failureIn(body));
    else if ((flags & FLAG_REPLY) !== 0) this.#replied(requestId, body);
    else if (notice !== undefined) {
      const value = decodeBody(NOTICES[notice].body as Shape<unknown>, body);
      this.#transfers.get(requestId)?.listener.notice(notice, value as never);
    } else throw new FtpxError("BAD_FRAME", { reason: "a request from a server" });
  }

  content(requestId: number, offset: number, piece: Uint8Array): void {
    const transfer = this.#transfers.get(requestId);
    if (transfer === undefined) return;
    this.moved(piece.byteLength);
    transfer.listener.content?.(offset, piece);
  }

  closed(reason: FtpxError): void {
    clearInterval(this.#watching);
    this.#end = reason;
    this.#finished.resolve(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    for (const { listener } of this.#transfers.values()) listener.failed(reason);
    this.#pending.clear();
    this.#transfers.clear();
  }

  defect(error: unknown): void {
    // Shown by whoever awaits what the connection's end rejects.
    this.closed(new FtpxError("INTERNAL", { reason: String(error) }, { cause: error }));
  }

  #replied(id: number, body: Uint8Array): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) throw new FtpxError("BAD_FRAME", { reason: "a reply to nothing" });
    // Before it is forgotten: a reply that cannot be read ends the connection, and with it the call.
    const reply = decodeBody(pending.reply, body);
    this.#pending.delete(id);
    this.#patience.moved();
    this.#connection.answered();
    pending.resolve(reply);
  }

  #failed(id: number, failure: FtpxError): void {
    const pending = this.#pending.get(id);
    const transfer = this.#transfers.get(id);
    this.#pending.delete(id);
    this.#transfers.delete(id);
    if (pending !== undefined) this.#patience.moved();
    pending?.reject(failure);
    transfer?.listener.failed(failure);
  }

  #watch(nowMs: number): void {
    this.#connection.watch(nowMs);
    this.demandProgress(nowMs);
  }

  /**
   * Gives up what is late: the connection for an answer, because nobody knows what became of
   * the request; a transfer alone when its content or its window is.
   */
  demandProgress(nowMs: number): void {
    for (const { awaited } of this.#pending.values()) {
      const elapsedMs = this.#patience.lateMs(awaited, nowMs);
      if (elapsedMs === undefined) continue;
      this.#connection.fail(new FtpxError("PEER_SILENT", { elapsedMs }));
      return;
    }
    for (const [id, { listener, awaited }] of this.#transfers) {
      const isTheirTurn = listener.isWaiting?.() === true && !this.#pending.has(id);
      awaited.sinceMs = isTheirTurn ? (awaited.sinceMs ?? nowMs) : undefined;
      const elapsedMs = this.#patience.lateMs(awaited, nowMs);
      if (elapsedMs !== undefined)
        this.#failed(id, new FtpxError("TRANSFER_STALLED", { elapsedMs }));
    }
  }
}
