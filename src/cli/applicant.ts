/**
 * Somebody who asks a server for an account, and waits for its operator's answer when that is
 * wanted: for `ftpx register` and for a menu.
 *
 * The password stays here: what is sent is the verifier that the server would keep of it. The
 * ticket is kept before the request is sent, so whatever is cut off goes on when the same
 * command is run again, and nobody registers twice. Trust in the server's key is settled first,
 * as for signing in (opening.ts).
 */
import { FtpxError, isKind } from "../base/errors.ts";
import { TICKET_BYTES } from "../base/limits.ts";
import { formatVerifier, makeVerifier } from "../base/verifier.ts";
import type { ReplyOf, RequestOf } from "../client/client.ts";
import { connect, lookAt } from "../client/connect.ts";
import type { Endpoint } from "../client/connect.ts";
import { unlessAborted } from "../client/remote.ts";
import { NO_PLACE } from "../client/retries.ts";
import type { Target } from "../client/target.ts";
import { Tickets } from "../client/tickets.ts";
import { clientDirectory } from "../client/trust.ts";
import { WAITING } from "../commands/signin.ts";
import { demandName } from "./admin.ts";
import { demandShort } from "./approvals.ts";
import { visible } from "./escaping.ts";
import { settleTrust } from "./opening.ts";
import { readNewPassword } from "./passwords.ts";
import { ask } from "./questions.ts";
import { canAsk, writeJson, writeNote } from "./terminal.ts";
import { SOFTWARE } from "./version.ts";
import { WaitingLine } from "./waiting.ts";

/** What the person wants besides an account. */
interface RegisterWish {
  /** The code of an invite: no waiting. */
  readonly invite?: Uint8Array | undefined;
  /** To the operator. */
  readonly note?: string | undefined;
  /** Until the operator has answered. */
  readonly wait?: boolean | undefined;
  readonly acceptNew?: true | undefined;
  readonly plain?: true | undefined;
  readonly bind?: string | undefined;
  readonly passwordStdin?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/**
 * The whole dialogue, for the command and for a menu.
 *
 * @returns the exit status: 0 when the account is there, or was asked for and is not waited for
 * @throws  FtpxError ACCOUNT_DENIED, REGISTRATION_OFF, BAD_INVITE, NAME_TAKEN, USAGE,
 *   INTERRUPTED, what a server's bounds refuse, and what opening a connection throws
 */
export async function registerAt(
  target: Target,
  wish: RegisterWish,
  signal: AbortSignal,
): Promise<number> {
  const { note, plain, acceptNew, bind } = wish;
  if (note !== undefined) demandShort(note, "--note");
  const user = target.user ?? (await newName());
  demandName(user);
  const trusted = await settleTrust(target, { options: { plain, acceptNew, bind }, signal });
  const applicant = new Applicant(trusted.endpoint, user, wish, signal);
  if (!trusted.isMet && canAsk()) await unlessAborted(lookAt(trusted.endpoint), signal);
  return await applicant.run();
}

type Answer = ReplyOf<"register">;

/** The line broke: nobody knows whether the request has arrived. */
const BROKEN = ["CONNECTION_LOST", "FRAME_DAMAGED", "PEER_SILENT", "STATE_FAILED"] as const;

/** What may have passed when the server is asked again. */
const PASSING = [...BROKEN, ...NO_PLACE, "DRAINING", "UNREACHABLE"] as const;

/** A request is sent so often before the person has to say so again. */
const SENDINGS_MAX = 5;

/** Nobody asks more often or more seldom than this, whatever a server says. */
const AGAIN_MS_MIN = 1_000;
const AGAIN_MS_MAX = 60_000;

/** One name at one server. */
class Applicant {
  readonly #endpoint: Endpoint;
  readonly #user: string;
  readonly #wish: RegisterWish;
  readonly #signal: AbortSignal;
  readonly #tickets = new Tickets(clientDirectory(process.env));

  constructor(endpoint: Endpoint, user: string, wish: RegisterWish, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#user = user;
    this.#wish = wish;
    this.#signal = signal;
  }

  async run(): Promise<number> {
    const { name: server } = this.#endpoint;
    const kept = await this.#tickets.find(server, this.#user);
    const ticket = kept ?? crypto.getRandomValues(new Uint8Array(TICKET_BYTES));
    const before = kept && (await this.#call("awaitRegistration", { ticket }));
    const isOpen = before === undefined || before.outcome === "unknown";
    const isWaiting = before?.outcome === "pending";
    const isAgain = isWaiting && (this.#wish.invite !== undefined || this.#bringsPassword);
    const answer = isOpen || isAgain ? await this.#ask(ticket, isWaiting) : before;
    if (isWaiting && answer.outcome === "pending") this.#tellPassword(isAgain);
    if (answer.outcome !== "pending") return await this.#settle(answer);
    this.#tell(answer);
    if (this.#wish.wait !== true) {
      writeNote(`to wait for the answer: ${this.#again()}`);
      return 0;
    }
    return await this.#settle(await this.#wait(ticket, answer.againMs));
  }

  /** Given without a question, so that it is no trouble to send it again. */
  get #bringsPassword(): boolean {
    return this.#wish.passwordStdin === true || process.env["FTPX_PASSWORD"] !== undefined;
  }

  /** @param isWaiting the request is there already; it gets the password that is given now */
  async #ask(ticket: Uint8Array, isWaiting: boolean): Promise<Answer> {
    const { invite, passwordStdin: isOnStdin } = this.#wish;
    const note = this.#wish.note ?? (isWaiting ? "" : await this.#askNote());
    const password = await readNewPassword(this.#user, isOnStdin === true);
    const verifier = formatVerifier(await makeVerifier(password));
    await this.#tickets.keep(this.#endpoint.name, this.#user, ticket);
    try {
      return await this.#send({ user: this.#user, verifier, note, ticket, invite });
    } catch (error) {
      // What was refused is not known there; what was cut off may be, and what waits is.
      const isRefused = error instanceof FtpxError && !isKind(error, "INTERRUPTED", ...PASSING);
      if (isRefused && !isWaiting) {
        await this.#tickets.forget(this.#endpoint.name, this.#user);
      }
      throw error;
    }
  }

  /** Again when the line breaks, for the same ticket is the same request. */
  async #send(request: RequestOf<"register">): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#call("register", request);
      } catch (error) {
        const mayPass = isKind(error, ...BROKEN) || (attempt > 1 && isKind(error, "UNREACHABLE"));
        if (!mayPass || attempt === SENDINGS_MAX) throw error;
        await unlessAborted(Bun.sleep(AGAIN_MS_MIN), this.#signal);
      }
    }
  }

  /** Only of a person who is asked other things too, and has to wait for the operator. */
  async #askNote(): Promise<string> {
    const { invite, passwordStdin: isOnStdin } = this.#wish;
    if (!canAsk() || invite !== undefined || isOnStdin === true) return "";
    return await ask("a word to the operator, such as who you are (may stay empty)", {
      check: (note) => demandShort(note, "the note"),
    });
  }

  /** Until the operator has answered; a server that is away for a while is waited for too. */
  async #wait(ticket: Uint8Array, firstMs: number): Promise<Answer> {
    const waiting = new WaitingLine(this.#endpoint.name);
    try {
      for (let pauseMs = firstMs; ;) {
        await unlessAborted(Bun.sleep(clampAgain(pauseMs)), this.#signal);
        const answer = await this.#tryAnswer(ticket, waiting);
        if (answer !== undefined && answer.outcome !== "pending") return answer;
        pauseMs = answer?.againMs ?? pauseMs * 2;
      }
    } catch (error) {
      waiting.stop();
      if (isKind(error, "INTERRUPTED")) writeNote(`to go on waiting: ${this.#again()}`);
      throw error;
    } finally {
      waiting.stop();
    }
  }

  async #tryAnswer(ticket: Uint8Array, waiting: WaitingLine): Promise<Answer | undefined> {
    try {
      const answer = await this.#call("awaitRegistration", { ticket });
      waiting.reached();
      return answer;
    } catch (error) {
      if (!isKind(error, ...PASSING)) throw error;
      waiting.missed(error);
      return undefined;
    }
  }

  /** @throws FtpxError ACCOUNT_DENIED */
  async #settle(answer: Answer): Promise<number> {
    this.#tell(answer);
    await this.#tickets.forget(this.#endpoint.name, this.#user);
    if (answer.outcome === "approved") return 0;
    const { reason } = answer;
    if (answer.outcome === "denied") {
      throw new FtpxError("ACCOUNT_DENIED", reason === "" ? {} : { reason });
    }
    const lost = "the server does not know this request any more; register again";
    throw new FtpxError("NOT_WAITING", { reason: lost });
  }

  #tell({ outcome, reason }: Answer): void {
    const user = this.#user;
    const { name: server } = this.#endpoint;
    if (this.#wish.json === true) {
      const why = reason === "" ? undefined : reason;
      writeJson({ event: "register", user, server, outcome, reason: why });
      return;
    }
    if (outcome === "pending") {
      writeNote(`asked for the account ${user}; the operator of ${visible(server)} answers`);
    }
    if (outcome === "approved") {
      writeNote(`the account ${user} is there: ftpx connect ${this.#target}`);
    }
  }

  /** Or whoever mistyped it the first time would learn so at the sign-in. */
  #tellPassword(isReplaced: boolean): void {
    if (isReplaced) writeNote(`the request for ${this.#user} waits, with the password given now`);
    else {
      writeNote(`a request for ${this.#user} waits, with the password that was typed then;`);
      writeNote(`for another one: ftpx register ${this.#target} --password-stdin${this.#how}`);
    }
  }

  /** As it is typed. */
  get #target(): string {
    return visible(`${this.#user}@${this.#endpoint.name}`);
  }

  get #how(): string {
    return this.#wish.plain === true ? " --plain" : "";
  }

  #again(): string {
    return `ftpx register ${this.#target} --wait${this.#how}`;
  }

  /** On a connection of its own: a stranger who waits holds none. */
  async #call<Name extends "register" | "awaitRegistration">(
    name: Name,
    request: RequestOf<Name>,
  ): Promise<Answer> {
    return await unlessAborted(callOnce(this.#endpoint, name, request), this.#signal);
  }
}

async function callOnce<Name extends "register" | "awaitRegistration">(
  endpoint: Endpoint,
  name: Name,
  request: RequestOf<Name>,
): Promise<Answer> {
  const features = name === "awaitRegistration" ? [WAITING] : [];
  const { client } = await connect(endpoint, SOFTWARE, { features });
  try {
    return (await client.call(name, request)) as Answer;
  } finally {
    client.close();
  }
}

/** @throws FtpxError USAGE, INTERRUPTED */
async function newName(): Promise<string> {
  const name = process.env["FTPX_USER"] ?? "";
  if (name !== "") return name;
  if (canAsk()) return await askNewName();
  throw new FtpxError("USAGE", { reason: "no user name: write USER@HOST, or set FTPX_USER" });
}

/** @throws FtpxError INTERRUPTED */
export async function askNewName(): Promise<string> {
  return await ask("name for the new account", { check: demandName });
}

function clampAgain(againMs: number): number {
  return Math.min(AGAIN_MS_MAX, Math.max(AGAIN_MS_MIN, againMs));
}
