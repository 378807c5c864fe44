/**
 * What a server is known by: the SHA-256 of its SubjectPublicKeyInfo (the pin of
 * RFC 7469), written in base64url without padding behind `sha256:`.
 */
import { createHash } from "node:crypto";
import type { KeyObject } from "node:crypto";

const FINGERPRINT = /^sha256:[A-Za-z0-9_-]{43}$/;

export function fingerprintOf(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("base64url")}`;
}

export function isFingerprint(text: string): boolean {
  return FINGERPRINT.test(text);
}
