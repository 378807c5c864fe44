/**
 * Sign-in by password: the message flow of SCRAM (RFC 5802 section 3), both sides.
 *
 *   client-first   p=tls-exporter,,n=USER,r=NONCE
 *   server-first   r=NONCE+,s=SALT,i=MEMORY:PASSES:PARALLELISM      memory in KiB
 *   client-final   c=BINDING,r=NONCE+,p=PROOF
 *   server-final   v=SIGNATURE
 *
 * NONCE+ is the client's nonce with the server's behind it. SALT, BINDING, PROOF and
 * SIGNATURE are padded base64; USER has `=2C` for a comma and `=3D` for an equals sign.
 * What differs from RFC 5802: the derivation is Argon2id (derivation.ts), so `i` has three
 * numbers, with colons because a comma ends an attribute; and there is one way to write
 * each message. Other, repeated, reordered or further attributes, the reserved `m=`
 * among them, an authorisation identity and other kinds of binding are refused.
 *
 * BINDING is the header `p=tls-exporter,,` and the 32 bytes that the TLS exporter of this
 * connection gives (RFC 9266), so a proof is worth nothing on another connection.
 *
 * An exchange is for one try: every step is taken once and in order, and a refused one
 * ends it. Which accounts there are, throttling, and errors to the peer are the caller's.
 */
import { randomBytes } from "node:crypto";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { encodeText, exclusiveOr, isSameBytes, isSameSecret } from "./bytes.ts";
import { FtpxError } from "./errors.ts";
import { NONCE_CHARACTERS_MAX, NONCE_CHARACTERS_MIN, SCRAM_MESSAGE_BYTES_MAX } from "./limits.ts";
import type { Keys, Parameters } from "./derivation.ts";
import type { Verifier } from "./verifier.ts";
import { assertDerivable, deriveKeys, hmac, KEY_BYTES, sha256 } from "./derivation.ts";

/** What both sides ask their TLS exporter for, with an empty context (RFC 9266 section 2). */
export const BINDING_LABEL = "EXPORTER-Channel-Binding";
export const BINDING_BYTES = 32;

const BINDING_HEADER = "p=tls-exporter,,";
const CLIENT_FIRST = /^p=tls-exporter,,(n=([^,\0]+),r=([\x21-\x2b\x2d-\x7e]+))$/;
const SERVER_FIRST =
  /^r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=(0|[1-9]\d{0,14}):(0|[1-9]\d{0,14}):(0|[1-9]\d{0,14})$/;
const CLIENT_FINAL = /^(c=([^,]+),r=([^,]+)),p=([^,]+)$/;
const SERVER_FINAL = /^v=([^,]+)$/;

/** 144 bits, 24 characters without padding. */
const NONCE_BYTES = 18;

/**
 * The keys of one password, for one sign-in after the other: Argon2 runs again only when
 * the server names another salt or other parameters. The password itself is asked for
 * each time it is needed and not kept.
 */
export class DerivedKeys {
  readonly #password: () => string | Promise<string>;
  #input: { readonly salt: Uint8Array; readonly parameters: Parameters } | undefined;
  #keys: Promise<Keys> | undefined;

  constructor(password: () => string | Promise<string>) {
    this.#password = password;
  }

  /**
   * Two that ask at the same time share one derivation.
   *
   * @throws FtpxError BAD_PARAMETERS before the password is asked for; NO_PASSWORD, USAGE
   */
  async keysFor(salt: Uint8Array, parameters: Parameters): Promise<Keys> {
    assertDerivable(salt, parameters);
    if (this.#keys === undefined || !this.#isFor(salt, parameters)) {
      this.#input = { salt, parameters };
      this.#keys = this.#derive(salt, parameters);
    }
    const keys = this.#keys;
    try {
      return await keys;
    } catch (failure) {
      if (this.#keys === keys) this.#keys = undefined; // or a prompt could not be shown again
      throw failure;
    }
  }

  async #derive(salt: Uint8Array, parameters: Parameters): Promise<Keys> {
    return await deriveKeys(await this.#password(), salt, parameters);
  }

  #isFor(salt: Uint8Array, { memoryKib, passes }: Parameters): boolean {
    const input = this.#input;
    return (
      input !== undefined &&
      isSameBytes(input.salt, salt) &&
      input.parameters.memoryKib === memoryKib &&
      input.parameters.passes === passes
    );
  }
}

/** The client's side: `first`, `final`, `verify`. */
export class ClientExchange {
  readonly #keys: DerivedKeys;
  readonly #binding: string;
  readonly #nonce: string;
  readonly #firstBare: string;
  #step: "first" | "final" | "verify" | "over" = "first";
  #signature: Uint8Array | undefined;

  /**
   * @param binding what the exporter of this connection gives for BINDING_LABEL
   * @param nonce   fresh for every exchange; given only by tests
   */
  constructor(user: string, keys: DerivedKeys, binding: Uint8Array, nonce = randomNonce()) {
    this.#keys = keys;
    this.#binding = bindingText(binding);
    this.#nonce = nonce;
    this.#firstBare = `n=${escapeName(user)},r=${nonce}`;
  }

  /** The client-first-message. */
  first(): string {
    this.#leave("first");
    this.#step = "final";
    return BINDING_HEADER + this.#firstBare;
  }

  /**
   * The client-final-message. What the server asks for is checked before the password is
   * touched; nothing is sent to a server that is refused here.
   *
   * @throws FtpxError NOT_GENUINE, BAD_PARAMETERS, and what DerivedKeys throws
   */
  async final(serverFirst: string): Promise<string> {
    this.#leave("final");
    const { nonce, salt, parameters } = parseServerFirst(serverFirst);
    const serverNonceLength = nonce.length - this.#nonce.length;
    if (!nonce.startsWith(this.#nonce) || serverNonceLength < NONCE_CHARACTERS_MIN) {
      throw new FtpxError("NOT_GENUINE", { reason: "its nonce does not extend ours" });
    }
    const { clientKey, serverKey } = await this.#keys.keysFor(salt, parameters);
    const withoutProof = `c=${this.#binding},r=${nonce}`;
    const authMessage = [this.#firstBare, serverFirst, withoutProof].join(",");
    const proof = exclusiveOr(clientKey, hmac(sha256(clientKey), authMessage));
    this.#signature = hmac(serverKey, authMessage);
    this.#step = "verify";
    return `${withoutProof},p=${encodeBase64(proof)}`;
  }

  /**
   * Checks the server-final-message. Before this has returned the server is a stranger,
   * whatever else it said.
   *
   * @throws FtpxError NOT_GENUINE
   */
  verify(serverFinal: string): void {
    this.#leave("verify");
    const signature = decodeBase64(matchMessage(SERVER_FINAL, serverFinal)?.[1] ?? "");
    if (signature === undefined || !isSameSecret(signature, this.#signature)) {
      throw new FtpxError("NOT_GENUINE", { reason: "its signature is wrong" });
    }
  }

  /**
   * The exchange is over unless the step succeeds. A step out of order is the server's
   * doing: it answered twice, or too early.
   */
  #leave(step: "first" | "final" | "verify"): void {
    const isInOrder = this.#step === step;
    this.#step = "over";
    if (!isInOrder) throw new FtpxError("NOT_GENUINE", { reason: "it answered out of order" });
  }
}

export type Outcome = { readonly ok: true; readonly serverFinal: string } | { readonly ok: false };

/**
 * The server's side: `first`, `challenge`, `final`. It does the same for an account and
 * for a fake verifier, and never says what was wrong.
 */
export class ServerExchange {
  readonly #binding: string;
  readonly #serverNonce: string;
  #step: "first" | "challenge" | "final" | "over" = "first";
  #firstBare = "";
  #nonce = "";
  #asked: { readonly verifier: Verifier; readonly serverFirst: string } | undefined;

  /**
   * @param binding what the exporter of this connection gives for BINDING_LABEL
   * @param nonce   fresh for every exchange; given only by tests
   */
  constructor(binding: Uint8Array, nonce = randomNonce()) {
    this.#binding = bindingText(binding);
    this.#serverNonce = nonce;
  }

  /**
   * Reads the client-first-message.
   *
   * @returns the name as it was sent: any text, not necessarily the name of an account
   * @throws FtpxError SIGN_IN_REFUSED
   */
  first(clientFirst: string): string {
    const isInOrder = this.#leave("first");
    const parts = matchMessage(CLIENT_FIRST, clientFirst);
    const [, firstBare = "", name = "", nonce = ""] = parts ?? [];
    const user = unescapeName(name);
    if (!isInOrder || user === undefined || !isNonceLength(nonce)) {
      throw new FtpxError("SIGN_IN_REFUSED");
    }
    this.#firstBare = firstBare;
    this.#nonce = nonce + this.#serverNonce;
    this.#step = "challenge";
    return user;
  }

  /**
   * The server-first-message, for the account or for `fakeVerifier`.
   *
   * @throws FtpxError SIGN_IN_REFUSED
   */
  challenge(verifier: Verifier): string {
    if (!this.#leave("challenge")) throw new FtpxError("SIGN_IN_REFUSED");
    const { memoryKib, passes } = verifier;
    const salt = encodeBase64(verifier.salt);
    const serverFirst = `r=${this.#nonce},s=${salt},i=${memoryKib}:${passes}:1`;
    this.#asked = { verifier, serverFirst };
    this.#step = "final";
    return serverFirst;
  }

  /**
   * Checks the client-final-message. Nothing is thrown, so that the caller can count and
   * log a failure before it answers SIGN_IN_REFUSED to every one of them alike. A second
   * call is refused: a proof counts once.
   */
  final(clientFinal: string): Outcome {
    const asked = this.#leave("final") ? this.#asked : undefined;
    const parts = matchMessage(CLIENT_FINAL, clientFinal);
    if (asked === undefined || parts === null) return { ok: false };
    const [, withoutProof = "", binding = "", nonce = "", proofText = ""] = parts;
    const proof = decodeBase64(proofText);
    if (proof?.byteLength !== KEY_BYTES) return { ok: false };

    // All of it is worked out before any of it decides: one time for every refusal.
    const { storedKey, serverKey } = asked.verifier;
    const authMessage = [this.#firstBare, asked.serverFirst, withoutProof].join(",");
    const clientKey = exclusiveOr(proof, hmac(storedKey, authMessage));
    const signature = hmac(serverKey, authMessage);
    const isProved = isSameSecret(sha256(clientKey), storedKey);
    const isBound = isSameSecret(encodeText(binding), encodeText(this.#binding));
    const isFresh = isSameSecret(encodeText(nonce), encodeText(this.#nonce));
    if (!isProved || !isBound || !isFresh) return { ok: false };
    return { ok: true, serverFinal: `v=${encodeBase64(signature)}` };
  }

  /** Whether this is the step's turn. The exchange is over unless the step succeeds. */
  #leave(step: "first" | "challenge" | "final"): boolean {
    const isInOrder = this.#step === step;
    this.#step = "over";
    return isInOrder;
  }
}

function parseServerFirst(message: string) {
  const parts = matchMessage(SERVER_FIRST, message);
  const [, nonce = "", saltText = "", memoryText, passesText, parallelismText] = parts ?? [];
  const salt = decodeBase64(saltText);
  if (parts === null || salt === undefined) {
    throw new FtpxError("NOT_GENUINE", { reason: "its challenge is malformed" });
  }
  const parameters = { memoryKib: Number(memoryText), passes: Number(passesText) };
  assertDerivable(salt, parameters, Number(parallelismText));
  return { nonce, salt, parameters };
}

function matchMessage(shape: RegExp, message: string): RegExpExecArray | null {
  if (Buffer.byteLength(message) > SCRAM_MESSAGE_BYTES_MAX) return null;
  return shape.exec(message);
}

function isNonceLength(nonce: string): boolean {
  return nonce.length >= NONCE_CHARACTERS_MIN && nonce.length <= NONCE_CHARACTERS_MAX;
}

function randomNonce(): string {
  return encodeBase64(randomBytes(NONCE_BYTES));
}

/** The `c=` of this connection. A binding of another length cannot come from the exporter. */
function bindingText(binding: Uint8Array): string {
  if (binding.byteLength !== BINDING_BYTES) throw new Error("channel binding is not 32 bytes");
  return encodeBase64(Buffer.concat([encodeText(BINDING_HEADER), binding]));
}

function escapeName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

function unescapeName(text: string): string | undefined {
  if (text === "" || !text.isWellFormed() || /=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}
