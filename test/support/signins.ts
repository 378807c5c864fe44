/** A registry over a real accounts.toml and a real depot, and peers that sign in to it. */
import { join } from "node:path";
import { AccountDirectory } from "../../src/accounts/directory.ts";
import type { Changes } from "../../src/accounts/edit.ts";
import { FtpxError } from "../../src/base/errors.ts";
import type { ServerEvent } from "../../src/base/events.ts";
import { formatKeyLine } from "../../src/base/keyblob.ts";
import { replaceFile } from "../../src/base/replacement.ts";
import { ClientExchange, DerivedKeys } from "../../src/base/scram.ts";
import { signInMessage, SigningKey } from "../../src/base/signature.ts";
import { formatVerifier, makeVerifier } from "../../src/base/verifier.ts";
import { keyFinal, keyFirst } from "../../src/commands/keys.ts";
import { scramFinal, scramFirst } from "../../src/commands/signin.ts";
import type { PorterSettings } from "../../src/sessions/porter.ts";
import { Registry } from "../../src/sessions/registry.ts";
import type { Line, Session } from "../../src/sessions/session.ts";
import { Workshop } from "./workshop.ts";

export const FINGERPRINT = `sha256:${"A".repeat(43)}`;
const CHEAP = { memoryKib: 8192, passes: 1 };

export const signingKey = (seed: number) => new SigningKey(new Uint8Array(32).fill(seed));
export const keyLine = (seed: number) => formatKeyLine(signingKey(seed).publicKey, `key ${seed}`);
export const verifierOf = async (password: string) =>
  formatVerifier(await makeVerifier(password, CHEAP));

/** As a client makes one: with the parameters that a server takes. */
export const newVerifierOf = async (password: string) =>
  formatVerifier(await makeVerifier(password));

/** One writer at a time, as `Place.accounts` has it between processes. */
let last = Promise.resolve();
async function lock(): Promise<() => Promise<void>> {
  const before = last;
  const { promise, resolve } = Promise.withResolvers<void>();
  last = promise;
  await before;
  return async () => resolve();
}

/** What a client says that it signs; what it leaves out is right. */
export interface Claim {
  readonly user?: string;
  readonly binding?: Uint8Array;
  readonly fingerprint?: string;
  readonly nonce?: Uint8Array;
}

export class SignIns {
  readonly events: ServerEvent[] = [];
  readonly closed = new Map<Session, FtpxError>();
  /** The disk on which accounts.toml lies has no room. */
  isFull = false;
  readonly #shop: Workshop;
  readonly #directory: AccountDirectory;
  readonly registry: Registry;
  #lineCount = 0;

  private constructor(shop: Workshop, limits: Partial<PorterSettings>) {
    this.#shop = shop;
    this.#directory = new AccountDirectory(this.file, lock, async (...written) => {
      if (this.isFull) throw new FtpxError("DISK_FULL");
      await replaceFile(...written);
    });
    const quota = { bytes: 1000, files: 10 };
    const settings = {
      version: "t",
      secret: new Uint8Array(32),
      sessionsMax: 100,
      graceMs: 1,
      quota,
      ...limits,
    };
    const emit = (event: ServerEvent) => void this.events.push(event);
    this.registry = new Registry(shop.depot, this.#directory, settings, emit);
  }

  static async open(
    accounts: Readonly<Record<string, Changes>>,
    limits: Partial<PorterSettings> = {},
  ): Promise<SignIns> {
    const signIns = new SignIns(await Workshop.open(), limits);
    for (const [name, fields] of Object.entries(accounts)) {
      await signIns.#directory.add(name, fields);
    }
    signIns.registry.reload();
    return signIns;
  }

  get file(): string {
    return this.#shop.folder.at("accounts.toml");
  }

  homeOf(user: string): string {
    return join(this.#shop.folder.at("storage"), user);
  }

  /** As an operator's command does it, and the server that sees it. */
  async change(user: string, changes: Changes): Promise<void> {
    await this.#directory.set(user, changes);
    this.registry.reload();
  }

  /** As another process does it: the server has not seen it yet. */
  async changeBehind(user: string, changes: Changes): Promise<void> {
    const other = new AccountDirectory(this.file, lock);
    await other.load();
    await other.set(user, changes);
  }

  /** Unless told, each from an address of its own: what one does is not held against the next. */
  session(address?: string): Session {
    this.#lineCount += 1;
    const line: Line = {
      door: "native",
      address: address ?? `10.0.${this.#lineCount >> 8}.${this.#lineCount & 255}`,
      binding: new Uint8Array(32).fill(this.#lineCount),
      fingerprint: FINGERPRINT,
      isHeld: false,
      widen: () => {},
      drop: () => void session.end(new FtpxError("CONNECTION_LOST")),
      close: (reason) => void this.closed.set(session, reason),
    };
    const session = this.registry.admit(line);
    session.hasGreeted = true;
    return session;
  }

  async byKey(session: Session, seed: number, claim: Claim = {}): Promise<void> {
    const key = signingKey(seed);
    const { publicKey } = key;
    const { nonce } = await keyFirst(session, { user: claim.user ?? "ann", publicKey });
    const { binding = new Uint8Array(0), fingerprint = "" } = session.line;
    const about = { binding, fingerprint, user: "ann", publicKey, nonce, ...claim };
    await keyFinal(session, { signature: key.sign(signInMessage(about)) });
  }

  async byPassword(session: Session, user: string, password: string): Promise<void> {
    const binding = session.line.binding ?? new Uint8Array(0);
    const exchange = new ClientExchange(user, new DerivedKeys(() => password), binding);
    const first = await scramFirst(session, { message: exchange.first() });
    const final = await scramFinal(session, { message: await exchange.final(first.message) });
    exchange.verify(final.message);
  }

  async close(): Promise<void> {
    for (const session of this.registry.sessions) await session.end(new FtpxError("DRAINING"));
    await this.#shop.close();
  }
}
