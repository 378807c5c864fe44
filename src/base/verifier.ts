/**
 * What a server keeps of a password: a Verifier, which is salt, parameters, StoredKey and
 * ServerKey (derivation.ts). Whoever steals it cannot sign in with it. Here is how it is written
 * in accounts.toml, and what is shown in its place for a name that has none. The messages are
 * scram.ts.
 */
import crypto from "node:crypto";
import { decodeBareBase64, encodeBareBase64 } from "./base64.ts";
import {
  complaintOf,
  DEFAULT_PARAMETERS,
  deriveKeys,
  hmac,
  KEY_BYTES,
  sha256,
} from "./derivation.ts";
import type { Parameters } from "./derivation.ts";
import { FtpxError } from "./errors.ts";
import {
  ARGON2_MEMORY_KIB,
  ARGON2_PASSES,
  SALT_BYTES,
  SALT_BYTES_MAX,
  SALT_BYTES_MIN,
} from "./limits.ts";

export interface Verifier extends Parameters {
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** As they stand in a verifier. */
const NEW_PARAMETERS = `m=${ARGON2_MEMORY_KIB},t=${ARGON2_PASSES},p=1`;

const SCHEME = "argon2id-scram-sha256";
const PARAMETERS = /^m=(0|[1-9]\d{0,14}),t=(0|[1-9]\d{0,14}),p=(0|[1-9]\d{0,14})$/;

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
