/**
 * A user's own change of password: what proves the current one, without sending it.
 *
 *   message = | "ftpx/1 new password" | binding | fingerprint | user | nonce | verifier |
 *   proof   = ClientKey XOR HMAC(StoredKey, message)
 *
 * Fields are joined as in signature.ts. As in SCRAM (scram.ts) the server finds ClientKey
 * in the proof and compares its hash with the StoredKey that it has. The new verifier is
 * part of the message, so nobody can put another one in its place.
 */
import { exclusiveOr, isSameSecret } from "./bytes.ts";
import { joinFields } from "./signature.ts";
import { hmac, KEY_BYTES, sha256 } from "./derivation.ts";
import type { Keys } from "./derivation.ts";
import type { Verifier } from "./verifier.ts";

const RENEWAL_DOMAIN = "ftpx/1 new password";

/** In the place of a new verifier: the current password is proved, and nothing is changed. */
export const NO_VERIFIER = "";

export interface Renewal {
  /** What the exporter of this connection gives, or what stands for it. */
  readonly binding: Uint8Array;
  /** Of the server's key, as text; empty where there is no TLS. */
  readonly fingerprint: string;
  readonly user: string;
  /** The server's, for one try. */
  readonly nonce: Uint8Array;
  /** The new one, as `formatVerifier` writes it. */
  readonly verifier: string;
}

/** 32 bytes, from the keys of the current password. */
export function proveRenewal(renewal: Renewal, { clientKey }: Keys): Uint8Array {
  return exclusiveOr(clientKey, hmac(sha256(clientKey), messageOf(renewal)));
}

/** Whether the proof was made by somebody who knows the password of `current`. */
export function isRenewalProved(
  renewal: Renewal,
  { storedKey }: Verifier,
  proof: Uint8Array,
): boolean {
  if (proof.byteLength !== KEY_BYTES) return false;
  const clientKey = exclusiveOr(proof, hmac(storedKey, messageOf(renewal)));
  return isSameSecret(sha256(clientKey), storedKey);
}

function messageOf({ binding, fingerprint, user, nonce, verifier }: Renewal): Uint8Array {
  return joinFields(RENEWAL_DOMAIN, binding, fingerprint, user, nonce, verifier);
}
