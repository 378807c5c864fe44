/**
 * A server as its user sees it: signed in, over as many connections as it takes.
 *
 * The password's keys are derived once, and replaced when the user changes the password. A lost
 * connection is made again, with growing pauses, when something is asked for; requests that were
 * under way then fail with CONNECTION_LOST, except those that only read, which are asked again.
 */
import { FtpxError, isKind } from "../base/errors.ts";
import { TRANSFERS_MAX } from "../base/limits.ts";
import { DerivedKeys } from "../base/scram.ts";
import { TABLE } from "../commands/table.ts";
import type { CommandName } from "../commands/table.ts";
import { connect } from "./connect.ts";
import type { Endpoint } from "./connect.ts";
import type { Client, Credentials, ReplyOf, RequestOf } from "./client.ts";
import { isLost, isWorthRetrying, pauseBefore } from "./retries.ts";

export interface RemoteSettings {
  readonly endpoint: Endpoint;
  readonly user: string;
  readonly keys: Credentials;
  /** What hello says about this program. */
  readonly software: string;
  /** Times a lost connection is made again before giving up. */
  readonly retriesMax: number;
  /** A connection is made again in `pauseMs`. */
  readonly onRetry?: (retry: Retry) => void;
  /** The connection is there again. Several who waited for it each say so. */
  readonly onBack?: () => void;
}

export interface Retrying {
  /** Whether the work may be done twice: it was under way when the connection was lost. */
  readonly mayRepeat?: boolean;
  readonly signal?: AbortSignal;
  /**
   * When this grew since the last attempt, the count of retries begins anew: a line that
   * is cut every minute still carries a large file.
   */
  readonly progress?: () => number;
}

export interface Retry {
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly pauseMs: number;
  readonly reason: FtpxError;
  /** Settles when the pause has ended, early ones too. */
  readonly over: Promise<void>;
}

export class Remote {
  readonly settings: RemoteSettings;
  #connecting: Promise<Client> | undefined;
  #client: Client | undefined;
  #sentBytes = 0;
  #transfersMax = TRANSFERS_MAX;
  #keys: Credentials;
  readonly #sentAway = Promise.withResolvers<void>();
  /** Settles when there is a connection again. */
  #back = Promise.withResolvers<void>();

  constructor(settings: RemoteSettings) {
    this.settings = settings;
    this.#keys = settings.keys;
  }

  /** What the password was that signed in; nothing when it was a key. */
  get passwordKeys(): DerivedKeys | undefined {
    return this.#keys instanceof DerivedKeys ? this.#keys : undefined;
  }

  /** That the server lets us have open at once; ours, before it has said so. */
  get transfersMax(): number {
    return this.#transfersMax;
  }

  /** Bytes of all connections, before encryption. */
  get sentBytes(): number {
    return this.#sentBytes + (this.#client?.connection.sentBytes ?? 0);
  }

  /** The operator has ended the session: it is not made again. */
  get isSentAway(): boolean {
    return isKind(this.#client?.ended, "KICKED");
  }

  /** Resolves when the operator ends the session, whether or not somebody asks for something then. */
  get sentAway(): Promise<void> {
    return this.#sentAway.promise;
  }

  /** Why there is no connection any more; nothing while there is one, or before the first. */
  get lost(): FtpxError | undefined {
    return this.#client?.ended;
  }

  /** An open, signed-in connection. One attempt; `retrying` makes several. */
  client(): Promise<Client> {
    const client = this.#client;
    if (client?.isOpen === true) return Promise.resolve(client);
    // Or a program would come back by its own doing.
    if (this.isSentAway) return Promise.reject(client?.ended);
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  /** Asks, again after a lost connection when the row only reads. */
  call<Name extends CommandName>(
    name: Name,
    request: RequestOf<Name>,
    signal = NEVER,
  ): Promise<ReplyOf<Name>> {
    const mayRepeat = TABLE[name].needs === "read" || TABLE[name].needs === "sign-in";
    const work = (client: Client) => unlessAborted(client.call(name, request), signal);
    return this.retrying(work, { mayRepeat, signal });
  }

  /**
   * Runs work that can be begun again, until it succeeds, fails for good, or the
   * retries are used up.
   */
  async retrying<Value>(
    work: (client: Client) => Promise<Value>,
    { mayRepeat = true, signal = NEVER, progress = () => 0 }: Retrying = {},
  ): Promise<Value> {
    let attempt = 0;
    for (;;) {
      const before = progress();
      let hasBegun = false;
      try {
        const client = await this.client();
        if (attempt > 0) this.settings.onBack?.();
        hasBegun = true;
        return await work(client);
      } catch (error) {
        if (signal.aborted) throw new FtpxError("INTERRUPTED", {}, { cause: error });
        if (!isWorthRetrying(error) || (hasBegun && !mayRepeat)) throw error;
        attempt = progress() > before ? 1 : attempt + 1;
        if (attempt > this.settings.retriesMax) throw error;
        await this.#pause(attempt, { reason: error, wasGood: hasBegun, signal });
      }
    }
  }

  /**
   * Sets the user's own password; later connections sign in with it, unless a key does. It is
   * asked once: after a lost connection nobody knows which password is in force.
   *
   * @throws FtpxError as Client.changePassword
   */
  async changePassword(current: DerivedKeys, next: string, signal = NEVER): Promise<void> {
    const client = await unlessAborted(this.client(), signal);
    await unlessAborted(client.changePassword(this.settings.user, current, next), signal);
    if (this.#keys instanceof DerivedKeys) this.#keys = new DerivedKeys(() => next);
  }

  /** Once, as changePassword: it counts as a try. @throws FtpxError PASSWORD_REFUSED, … */
  async provePassword(current: DerivedKeys, signal = NEVER): Promise<void> {
    const client = await unlessAborted(this.client(), signal);
    await unlessAborted(client.provePassword(this.settings.user, current), signal);
  }

  close(): void {
    this.#client?.close();
  }

  async #connect(): Promise<Client> {
    this.#sentBytes = this.sentBytes;
    this.#client = undefined;
    const { endpoint, software, user } = this.settings;
    const onGreeted = (client: Client) => client.signIn(user, this.#keys);
    const { client, transfersMax } = await connect(endpoint, software, { onGreeted });
    this.#transfersMax = transfersMax;
    this.#client = client;
    void this.#follow(client);
    this.#back.resolve();
    this.#back = Promise.withResolvers();
    return client;
  }

  async #follow(client: Client): Promise<void> {
    const reason = await client.finished;
    if (isKind(reason, "KICKED")) this.#sentAway.resolve();
  }

  /** Ends early when another transfer has the connection back. */
  async #pause(attempt: number, { reason, wasGood, signal }: PauseFacts): Promise<void> {
    const { retriesMax, onRetry } = this.settings;
    const pauseMs = pauseBefore(attempt, { reason, wasGood });
    const over = Promise.withResolvers<void>();
    onRetry?.({ attempt, attemptsMax: retriesMax, pauseMs, reason, over: over.promise });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const due = new Promise<void>((resolve) => (timer = setTimeout(resolve, pauseMs)));
    const back = isLost(reason) ? this.#back.promise : due;
    try {
      await unlessAborted(Promise.race([due, back]), signal);
    } finally {
      clearTimeout(timer);
      over.resolve();
    }
  }
}

interface PauseFacts {
  readonly reason: FtpxError;
  readonly wasGood: boolean;
  readonly signal: AbortSignal;
}

const NEVER = new AbortController().signal;

/** @throws FtpxError INTERRUPTED as soon as the signal says so; the work goes on unheard */
export async function unlessAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(new FtpxError("INTERRUPTED"));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
