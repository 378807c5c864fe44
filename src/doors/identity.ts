/**
 * The server's key and certificate, made at the first start (only user of
 * @peculiar/x509).
 *
 * The identity is the key, so a certificate that is made anew from the same key keeps
 * the fingerprint.
 */
import "reflect-metadata";
import { createPublicKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { encodeText } from "../base/bytes.ts";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import { fingerprintOf } from "../base/fingerprint.ts";
import { replaceFile } from "../base/replacement.ts";

export interface Identity {
  readonly keyPem: string;
  readonly certificatePem: string;
  /** `sha256:` and 43 characters. */
  readonly fingerprint: string;
}

const SIGNING = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** RFC 5280's date for "no well-defined expiration": trust is in the pin, not in dates. */
const NEVER = new Date("9999-12-31T23:59:59Z");

/** @throws FtpxError BAD_CONFIG when others may read the key, or it cannot be used */
export async function openIdentity(directory: string): Promise<Identity> {
  const found = await findIdentity(directory);
  return found ?? (await makeIdentity(directory));
}

/** The identity that is there; nothing when the server has never been started. */
export async function findIdentity(directory: string): Promise<Identity | undefined> {
  const keyFile = join(directory, "identity.key");
  const keyPem = await readIfThere(keyFile);
  if (keyPem === undefined) return undefined;
  await demandPrivate(keyFile);
  const certificatePem = await readIfThere(join(directory, "identity.crt"));
  if (certificatePem === undefined) return await certify(directory, keyPem);
  const fingerprint = fingerprintOf(new X509Certificate(certificatePem).publicKey);
  if (fingerprint !== fingerprintOf(createPublicKey(keyPem))) {
    throw new FtpxError("BAD_CONFIG", { reason: "identity.crt is not of identity.key" });
  }
  return { keyPem, certificatePem, fingerprint };
}

async function makeIdentity(directory: string): Promise<Identity> {
  const keys = await webcrypto.subtle.generateKey(SIGNING, true, ["sign", "verify"]);
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  const keyPem = x509.PemConverter.encode(pkcs8, "PRIVATE KEY");
  await replaceFile(join(directory, "identity.key"), encodeText(keyPem));
  return await certify(directory, keyPem);
}

async function certify(directory: string, keyPem: string): Promise<Identity> {
  const pkcs8 = x509.PemConverter.decodeFirst(keyPem);
  const privateKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, SIGNING, true, ["sign"]);
  const spki = createPublicKey(keyPem).export({ type: "spki", format: "der" });
  const publicKey = await webcrypto.subtle.importKey("spki", spki, SIGNING, true, ["verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(15).toString("hex")}`,
    name: "CN=ftpx",
    notBefore: new Date("2020-01-01T00:00:00Z"),
    notAfter: NEVER,
    keys: { privateKey, publicKey },
    signingAlgorithm: SIGNING,
  });
  const certificatePem = certificate.toString("pem");
  await replaceFile(join(directory, "identity.crt"), encodeText(certificatePem));
  return { keyPem, certificatePem, fingerprint: fingerprintOf(createPublicKey(keyPem)) };
}

async function demandPrivate(file: string): Promise<void> {
  const mode = await modeOf(file);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new FtpxError("BAD_CONFIG", {
      reason: `${file} can be read by others; chmod 600 it if nobody has, else remove it`,
    });
  }
}

async function modeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).mode;
  } catch (error) {
    throw withPath(errorOfSystem(error), file);
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const failure = errorOfSystem(error);
    if (isKind(failure, "NO_SUCH_PATH")) return undefined;
    throw withPath(failure, file);
  }
}
