/**
 * How a password becomes the keys that prove it.
 *
 *   SaltedPassword = Argon2id(password, salt, m, t, p = 1, 32 bytes)
 *   ClientKey = HMAC(SaltedPassword, "Client Key")    StoredKey = SHA-256(ClientKey)
 *   ServerKey = HMAC(SaltedPassword, "Server Key")
 *
 * That is SCRAM (RFC 5802 section 3) with SHA-256 (RFC 7677) and Argon2id (RFC 9106)
 * in the place of PBKDF2. No memory is taken before the parameters were found to be within
 * limits.ts. What a server keeps of it is verifier.ts, the messages are scram.ts.
 */
import crypto from "node:crypto";
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
  SALT_BYTES_MAX,
  SALT_BYTES_MIN,
} from "./limits.ts";

/** Cost of one derivation; the parallelism is always 1. */
export interface Parameters {
  readonly memoryKib: number;
  readonly passes: number;
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

/** A composed character has at most four UTF-16 units when it is decomposed. */
const DECOMPOSED_UNITS_MAX = 4;

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

/** What is wrong with them, if something is. */
export function complaintOf(
  { memoryKib, passes }: Parameters,
  parallelism: number,
): string | undefined {
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
