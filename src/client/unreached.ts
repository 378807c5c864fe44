/** Why there is no connection, from what Bun says of one that came to nothing. */
import { FtpxError } from "../base/errors.ts";
import { CONNECT_MS_MAX } from "../base/limits.ts";

export const CLOSED = "closed by the other side";

export function noAnswer(isConnected: boolean): string {
  const seconds = `in ${CONNECT_MS_MAX / 1000} s`;
  return isConnected ? `connected, and no TLS answer ${seconds}` : `no answer ${seconds}`;
}

/** What Bun says of a handshake that came to nothing, by its code. */
const BROKEN = /^(?:ECONN|EPIPE|EPROTO|ERR_SSL)/;
export type Refusal = { readonly code?: string; readonly message?: string } | null;

export function isBroken(cause: Refusal): boolean {
  return BROKEN.test(cause?.code ?? "");
}

/**
 * A server that speaks another TLS is one thing; what a cut line, a killed server or a flipped
 * bit makes of a handshake may be gone at the next attempt.
 */
export function brokenHandshake(host: string, cause: Refusal): FtpxError {
  const reason = `${cause?.code ?? ""} ${cause?.message ?? ""}`.trim();
  // What OpenSSL makes of bytes that are not TLS: a web server, a mail server, ftpx without TLS.
  if (reason.includes("WRONG_VERSION_NUMBER")) {
    return new FtpxError("NOT_FTPX", { host, reason: "it answers without TLS" }, { cause });
  }
  const isOther = /VERSION|UNSUPPORTED_PROTOCOL|APPLICATION_PROTOCOL/i.test(reason);
  if (isOther) return new FtpxError("TLS_FAILED", { host, reason }, { cause });
  if (cause?.code === "ECONNRESET") return failed(host, cause, true);
  return unreachable(host, `no TLS handshake (${reason})`);
}

/**
 * A server that has no place for somebody says so to a few, and closes the connections of the
 * others: sometimes so soon that they never were open here.
 */
export function failed(host: string, cause: unknown, wasOpen: boolean): FtpxError {
  const { code } = cause as { code?: string };
  const isClosed = code === "ECONNRESET" || (wasOpen && (cause === CLOSED || code === "EPIPE"));
  if (!isClosed) return unreachable(host, cause);
  return new FtpxError("TURNED_AWAY", { host, reason: code ?? CLOSED }, { cause });
}

export function unreachable(host: string, cause: unknown): FtpxError {
  const { code, message } = cause as { code?: string; message?: string };
  const reason = typeof cause === "string" ? cause : (code ?? message ?? "");
  return new FtpxError("UNREACHABLE", { host, reason }, { cause });
}
