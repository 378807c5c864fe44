/**
 * What both ends demand of TLS: version 1.3, our ALPN name, and the channel binding; and
 * where a connection may do without TLS.
 *
 * Bun's types know neither the options nor the values used here, so the casts are kept
 * in this one place.
 */
import { constants } from "node:crypto";
import { BINDING_BYTES, BINDING_LABEL } from "../base/scram.ts";
import { ALPN } from "./frame.ts";

/**
 * The version is a number on the wire; ALPN works in its wire form only: length, name. Without
 * tickets there is no session to resume: every connection shows the key and proves it, and
 * nothing in the server's memory opens a connection of the past.
 */
export const TLS_OPTIONS = {
  minVersion: 0x0304,
  ALPNProtocols: `${String.fromCharCode(ALPN.length)}${ALPN}`,
  secureOptions: constants.SSL_OP_NO_TICKET,
};

interface TlsSocket {
  exportKeyingMaterial(length: number, label: string, context: Buffer): unknown;
}

/** The other side speaks our protocol. A peer that offers no ALPN gets through TLS unasked. */
export function hasOurAlpn(socket: object): boolean {
  return (socket as { alpnProtocol?: unknown }).alpnProtocol === ALPN;
}

/** RFC 9266's `tls-exporter` value of this connection; only after the handshake. */
export function exportBinding(socket: object): Uint8Array {
  const noContext = Buffer.alloc(0);
  const tls = socket as TlsSocket;
  const exported = tls.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, noContext);
  if (!(exported instanceof Uint8Array)) throw new Error("no TLS exporter");
  return exported;
}

/**
 * What stands for the exporter's value where there is no TLS, so that a sign-in made there
 * is good nowhere else.
 */
export const PLAIN_BINDING: Uint8Array = new Uint8Array(
  new Bun.CryptoHasher("sha256").update("ftpx/1 plain").digest(),
);

/** Plain TCP never leaves the machine: only addresses of the loopback interface, and its name. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
