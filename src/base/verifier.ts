/**
 * What a server keeps of a password, and how it is derived.
 *
 *   SaltedPassword = Argon2id(password, salt, m, t, p = 1, 32 bytes)
 *   ClientKey = HMAC(SaltedPassword, "Client Key")    StoredKey = SHA-256(ClientKey)
 *   ServerKey = HMAC(SaltedPassword, "Server Key")
 *
 * That is SCRAM (RFC 5802 section 3) with SHA-256 (RFC 7677) and Argon2id (RFC 9106)
 * in the place of PBKDF2. A Verifier holds salt, parameters, StoredKey and ServerKey:
 * whoever steals it cannot sign in with it. No memory is taken before the parameters
 * were found to be within limits.ts. The messages are scram.ts.
 */
import crypto from "node:crypto";
import { decodeBareBase64, encodeBareBase64 } from "./base64.ts";
import { encodeText } from "./bytes.ts";
import { FtpxError } from "./errors.ts";
import {
  ARGON2_MEMORY_KIB,
  ARGON2_MEMORY_KIB_MAX,
  ARGON2_MEMORY_KIB_MIN,
  ARGON2_PASSES,
  ARGON2_PASSES_MAX,
  ARGON2_PASSES_MIN,
  PASSWORD_BYTES_MAX,
  SALT_BYTES,
  SALT_BYTES_MAX,
  SALT_BYTES_MIN,
} from "./limits.ts";

/** Cost of one derivation; the parallelism is always 1. */
export interface Parameters {
  readonly memoryKib: number;
  readonly passes: number;
}

export interface Verifier extends Parameters {
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** What one side of an exchange proves with. Secret, unlike a verifier: ClientKey signs in. */
export interface Keys {
  readonly clientKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export const DEFAULT_PARAMETERS: Parameters = {
  memoryKib: ARGON2_MEMORY_KIB,
  passes: ARGON2_PASSES,
};

export const KEY_BYTES = 32;

/** As they stand in a verifier. */
const NEW_PARAMETERS = `m=${ARGON2_MEMORY_KIB},t=${ARGON2_PASSES},p=1`;

const SCHEME = "argon2id-scram-sha256";
const PARAMETERS = /^m=(0|[1-9]\d{0,14}),t=(0|[1-9]\d{0,14}),p=(0|[1-9]\d{0,14})$/;

/** A composed character has at most four UTF-16 units when it is decomposed. */
const DECOMPOSED_UNITS_MAX = 4;

function refuseConfig(reason: string): never {
  throw new FtpxError("BAD_CONFIG", { reason });
}

/**
 * Reads `argon2id-scram-sha256$m=…,t=…,p=1$SALT$STOREDKEY$SERVERKEY`. Only the spelling
 * that `formatVerifier` writes is accepted, and no secret that is empty or all zero.
 *
 * @param refuse says what is wrong; no part of the text is in the reason
 * @throws FtpxError BAD_CONFIG, unless `refuse` throws something else
 */
export function parseVerifier(
  text: string,
  refuse: (reason: string) => never = refuseConfig,
): Verifier {
  const [scheme, parameters = "", salt = "", storedKey = "", serverKey = "", ...rest] =
    text.split("$");
  if (scheme !== SCHEME || rest.length > 0 || serverKey === "") {
    return refuse(`not of the form ${SCHEME}$m=…,t=…,p=1$SALT$STOREDKEY$SERVERKEY`);
  }
  return {
    ...parseParameters(parameters, refuse),
    salt: parseSecret(salt, "salt", SALT_BYTES_MIN, SALT_BYTES_MAX, refuse),
    storedKey: parseSecret(storedKey, "StoredKey", KEY_BYTES, KEY_BYTES, refuse),
    serverKey: parseSecret(serverKey, "ServerKey", KEY_BYTES, KEY_BYTES, refuse),
  };
}

/**
 * One that a client sends for an account that is to be kept: with the default parameters and the
 * usual salt, because made-up accounts have parameters of real ones, and whoever could choose
 * some would see which names take them over.
 *
 * @throws FtpxError as `parseVerifier`
 */
export function parseNewVerifier(text: string, refuse: (reason: string) => never): Verifier {
  const verifier = parseVerifier(text, refuse);
  const { memoryKib, passes, salt } = verifier;
  const isUsual =
    memoryKib === DEFAULT_PARAMETERS.memoryKib && passes === DEFAULT_PARAMETERS.passes;
  if (!isUsual) refuse(`parameters are not ${NEW_PARAMETERS}`);
  if (salt.byteLength !== SALT_BYTES) refuse(`salt has not ${SALT_BYTES} bytes`);
  return verifier;
}

export function formatVerifier(verifier: Verifier): string {
  const secrets = [verifier.salt, verifier.storedKey, verifier.serverKey].map(encodeBareBase64);
  const parameters = `m=${verifier.memoryKib},t=${verifier.passes},p=1`;
  return [SCHEME, parameters, ...secrets].join("$");
}

/**
 * A verifier with a fresh salt. Runs one derivation on the thread pool.
 *
 * @throws FtpxError NO_PASSWORD, USAGE, BAD_PARAMETERS
 */
export async function makeVerifier(
  password: string,
  parameters: Parameters = DEFAULT_PARAMETERS,
  salt: Uint8Array = crypto.randomBytes(SALT_BYTES),
): Promise<Verifier> {
  const { clientKey, serverKey } = await deriveKeys(password, salt, parameters);
  const { memoryKib, passes } = parameters;
  return { memoryKib, passes, salt, storedKey: sha256(clientKey), serverKey };
}

/**
 * Runs Argon2id: about 40 ms and `memoryKib` of memory with the default parameters, off
 * the event loop. Salted password and password bytes are wiped afterwards.
 *
 * @throws FtpxError NO_PASSWORD, USAGE for the password; BAD_PARAMETERS
 */
export async function deriveKeys(
  password: string,
  salt: Uint8Array,
  parameters: Parameters,
): Promise<Keys> {
  assertDerivable(salt, parameters);
  const message = preparePassword(password);
  const saltedPassword = await runArgon2(message, salt, parameters);
  message.fill(0);
  const keys = {
    clientKey: hmac(saltedPassword, "Client Key"),
    serverKey: hmac(saltedPassword, "Server Key"),
  };
  saltedPassword.fill(0);
  return keys;
}

/**
 * The bytes of a password, the same on every system: the OpaqueString profile of RFC 8265
 * section 4.2, that is, every kind of space is U+0020, then NFC; no control characters.
 *
 * @throws FtpxError NO_PASSWORD when it is empty, USAGE
 */
export function preparePassword(password: string): Uint8Array {
  if (password === "") throw new FtpxError("NO_PASSWORD");
  const tooLong = { reason: `password is longer than ${PASSWORD_BYTES_MAX} bytes` };
  // Normalising costs time by length, so what cannot fit is refused before.
  if (password.length > PASSWORD_BYTES_MAX * DECOMPOSED_UNITS_MAX) {
    throw new FtpxError("USAGE", tooLong);
  }
  if (!password.isWellFormed() || /\p{Cc}/u.test(password)) {
    const reason = "password holds a control character or is not Unicode";
    throw new FtpxError("USAGE", { reason });
  }
  const bytes = encodeText(password.replaceAll(/\p{Zs}/gu, " ").normalize("NFC"));
  if (bytes.byteLength > PASSWORD_BYTES_MAX) throw new FtpxError("USAGE", tooLong);
  return bytes;
}

/**
 * Refuses what must not be derived with, whoever asks for it.
 *
 * @throws FtpxError BAD_PARAMETERS
 */
export function assertDerivable(salt: Uint8Array, parameters: Parameters, parallelism = 1): void {
  const reason = complaintOf(parameters, parallelism) ?? complaintOfSalt(salt);
  if (reason !== undefined) throw new FtpxError("BAD_PARAMETERS", { reason });
}

/**
 * The verifier of a name that has none, so that it looks like one that has: the same for
 * the same secret and name, with a salt as long as `makeVerifier` draws it and parameters
 * that some account has. Nobody knows a preimage of its StoredKey.
 *
 * Each of the `known` parameters is weighed by itself, so that a new one among them draws
 * some names to itself and the others keep theirs. Those that change get another salt with it,
 * as an account does whose password is set.
 *
 * @param secret the server's own; whoever knows it can tell fakes
 * @param known  parameters of the real accounts; the default ones when there are none
 */
export function fakeVerifier(
  secret: Uint8Array,
  user: string,
  known: readonly Parameters[],
): Verifier {
  const draw = (label: string) => hmac(secret, `ftpx fake ${label}\0${user}`);
  const weigh = ({ memoryKib, passes }: Parameters) => draw(`weight m=${memoryKib},t=${passes}`);
  let chosen = DEFAULT_PARAMETERS;
  let heaviest: Uint8Array = new Uint8Array(0);
  for (const parameters of known) {
    const weight = weigh(parameters);
    if (Buffer.compare(weight, heaviest) > 0) [chosen, heaviest] = [parameters, weight];
  }
  return {
    memoryKib: chosen.memoryKib,
    passes: chosen.passes,
    salt: draw(`salt m=${chosen.memoryKib},t=${chosen.passes}`).subarray(0, SALT_BYTES),
    storedKey: draw("StoredKey"),
    serverKey: draw("ServerKey"),
  };
}

/** Each pair of parameters once. */
export function distinctParameters(all: Iterable<Parameters>): Parameters[] {
  const distinct = new Map<string, Parameters>();
  for (const { memoryKib, passes } of all) {
    distinct.set(`${memoryKib}:${passes}`, { memoryKib, passes });
  }
  return [...distinct.values()];
}

export function hmac(key: Uint8Array, message: string | Uint8Array): Uint8Array {
  return crypto.createHmac("sha256", key).update(message).digest();
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return crypto.createHash("sha256").update(bytes).digest();
}

function runArgon2(
  message: Uint8Array,
  salt: Uint8Array,
  { memoryKib, passes }: Parameters,
): Promise<Uint8Array> {
  const wanted = {
    message,
    nonce: salt,
    parallelism: 1,
    tagLength: KEY_BYTES,
    memory: memoryKib,
    passes,
  };
  return new Promise((resolve, reject) => {
    crypto.argon2("argon2id", wanted, (error, tag) => {
      // Only memory that cannot be had fails here: the input was checked.
      if (error)
        reject(new FtpxError("INTERNAL", { reason: "no memory for Argon2" }, { cause: error }));
      else resolve(tag);
    });
  });
}

function parseParameters(text: string, refuse: (reason: string) => never): Parameters {
  const parts = PARAMETERS.exec(text);
  if (parts === null) return refuse("parameters are not of the form m=19456,t=2,p=1");
  const parameters = { memoryKib: Number(parts[1]), passes: Number(parts[2]) };
  const reason = complaintOf(parameters, Number(parts[3]));
  return reason === undefined ? parameters : refuse(reason);
}

function parseSecret(
  text: string,
  what: string,
  bytesMin: number,
  bytesMax: number,
  refuse: (reason: string) => never,
): Uint8Array {
  const bytes = decodeBareBase64(text);
  if (bytes === undefined) return refuse(`${what} is not base64 without padding`);
  if (bytes.byteLength < bytesMin || bytes.byteLength > bytesMax) {
    const range = bytesMin === bytesMax ? `${bytesMin}` : `${bytesMin} to ${bytesMax}`;
    return refuse(`${what} has ${bytes.byteLength} bytes, not ${range}`);
  }
  if (bytes.every((byte) => byte === 0)) return refuse(`${what} is all zero`);
  return bytes;
}

function complaintOf({ memoryKib, passes }: Parameters, parallelism: number): string | undefined {
  if (!isWithin(memoryKib, ARGON2_MEMORY_KIB_MIN, ARGON2_MEMORY_KIB_MAX)) {
    return `m=${memoryKib} is not ${ARGON2_MEMORY_KIB_MIN} to ${ARGON2_MEMORY_KIB_MAX} KiB`;
  }
  if (!isWithin(passes, ARGON2_PASSES_MIN, ARGON2_PASSES_MAX)) {
    return `t=${passes} is not ${ARGON2_PASSES_MIN} to ${ARGON2_PASSES_MAX} passes`;
  }
  return parallelism === 1 ? undefined : `p=${parallelism} is not 1`;
}

function complaintOfSalt({ byteLength }: Uint8Array): string | undefined {
  if (isWithin(byteLength, SALT_BYTES_MIN, SALT_BYTES_MAX)) return undefined;
  return `a salt of ${byteLength} bytes is not ${SALT_BYTES_MIN} to ${SALT_BYTES_MAX} long`;
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}
