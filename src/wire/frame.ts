/**
 * The frame header: twelve bytes in front of every message, big-endian.
 *
 *   byte  0        1        2            4              8               12
 *         | version| command|    flags   |  request id  |   body bytes   |
 *
 * A content frame carries a piece of a file; the first eight bytes of its body are
 * the offset of that piece, so a sender reads a file straight into a frame behind
 * CONTENT_PREFIX_BYTES.
 *
 * Nothing here does I/O or holds state. Cutting a TCP stream into frames is
 * deframer.ts; what a body means is commands/table.ts.
 */
import { crc32 } from "node:zlib";
import { encodeText, Reader, Writer } from "../base/bytes.ts";
import { DETAILS, ERRORS, errorOfCode, FtpxError } from "../base/errors.ts";
import type { DetailName } from "../base/errors.ts";
import { CONTENT_BYTES_MAX, TEXT_BYTES_MAX } from "../base/limits.ts";

export const VERSION = 1;

/** ALPN protocol name, offered and demanded by both sides. */
export const ALPN = "ftpx/1";

export const HEADER_BYTES = 12;
const OFFSET_BYTES = 8;
export const CONTENT_PREFIX_BYTES = HEADER_BYTES + OFFSET_BYTES;

/** The body answers the request of that id. */
export const FLAG_REPLY = 1;
/** With FLAG_REPLY: the body is an error, and the request or transfer of that id is over. */
export const FLAG_ERROR = 2;
const FLAGS_KNOWN = FLAG_REPLY | FLAG_ERROR;

/** The one command whose body is not gathered. */
export const CONTENT = 0x40;
/** Liveness; answered by the connection itself, on both sides. */
export const PING = 0x02;

export interface Header {
  readonly command: number;
  readonly flags: number;
  readonly requestId: number;
  readonly bodyBytes: number;
}

/**
 * Reads the header at `offset`. The caller guarantees that HEADER_BYTES are there
 * and says how large a body may be: less before sign-in. Every field is checked
 * here, so nothing above this line checks them again.
 *
 * @throws FtpxError WRONG_VERSION, BAD_FRAME, BODY_TOO_LARGE
 */
export function decodeHeader(view: DataView, offset: number, bodyBytesMax: number): Header {
  const version = view.getUint8(offset);
  const command = view.getUint8(offset + 1);
  const flags = view.getUint16(offset + 2);
  const requestId = view.getUint32(offset + 4);
  const bodyBytes = view.getUint32(offset + 8);

  if (version !== VERSION) throw new FtpxError("WRONG_VERSION", { version });
  // An unknown flag may change what the body means, so guessing is not safe.
  if ((flags & ~FLAGS_KNOWN) !== 0) throw new FtpxError("BAD_FRAME", { reason: "unknown flag" });
  if (flags === FLAG_ERROR) throw new FtpxError("BAD_FRAME", { reason: "error without reply" });
  if (bodyBytes > bodyBytesMax) {
    throw new FtpxError("BODY_TOO_LARGE", { neededBytes: bodyBytes, limitBytes: bodyBytesMax });
  }
  if (command === CONTENT && bodyBytes > OFFSET_BYTES + CONTENT_BYTES_MAX) {
    throw new FtpxError("BODY_TOO_LARGE", {
      neededBytes: bodyBytes,
      limitBytes: OFFSET_BYTES + CONTENT_BYTES_MAX,
    });
  }
  // Empty content would let a peer keep us busy without ever moving a transfer.
  if (command === CONTENT && (flags !== 0 || bodyBytes <= OFFSET_BYTES)) {
    throw new FtpxError("BAD_FRAME", { reason: "content frame without content" });
  }
  return { command, flags, requestId, bodyBytes };
}

export function encodeHeader(into: DataView, header: Header): void {
  into.setUint8(0, VERSION);
  into.setUint8(1, header.command);
  into.setUint16(2, header.flags);
  into.setUint32(4, header.requestId);
  into.setUint32(8, header.bodyBytes);
}

/** One whole frame of header and body. */
export function encodeFrame(
  command: number,
  flags: number,
  requestId: number,
  body: Uint8Array,
): Uint8Array {
  return frameOf({ command, flags, requestId, bodyBytes: body.byteLength }, body);
}

/** Behind the body of every frame but content, where there is no TLS that proves them. */
const CHECK_BYTES = 4;

/** As `encodeFrame`, with CRC-32 (RFC 1952, 8) of header and body at the end of the body. */
export function encodeChecked(
  command: number,
  flags: number,
  requestId: number,
  body: Uint8Array,
): Uint8Array {
  const header = { command, flags, requestId, bodyBytes: body.byteLength + CHECK_BYTES };
  const frame = frameOf(header, body);
  const checkAt = frame.byteLength - CHECK_BYTES;
  new DataView(frame.buffer).setUint32(checkAt, crc32(frame.subarray(0, checkAt)));
  return frame;
}

/** The body in front of the check. @throws FtpxError FRAME_DAMAGED */
export function takeChecked(header: Header, checked: Uint8Array): Uint8Array {
  const checkAt = checked.byteLength - CHECK_BYTES;
  if (checkAt < 0) throw new FtpxError("FRAME_DAMAGED");
  const head = new Uint8Array(HEADER_BYTES);
  encodeHeader(new DataView(head.buffer), header);
  const body = checked.subarray(0, checkAt);
  const found = crc32(body, crc32(head));
  const { buffer, byteOffset } = checked;
  if (new DataView(buffer, byteOffset + checkAt).getUint32(0) !== found) {
    throw new FtpxError("FRAME_DAMAGED");
  }
  return body;
}

/** With room behind the body where the header says that there is more. */
function frameOf(header: Header, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + header.bodyBytes);
  encodeHeader(new DataView(frame.buffer), header);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Writes the prefix of a content frame in front of the content that stands in
 * `frame` behind CONTENT_PREFIX_BYTES, and answers the whole frame as a view.
 */
export function sealContent(
  frame: Uint8Array,
  requestId: number,
  offset: number,
  contentBytes: number,
): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, CONTENT_PREFIX_BYTES);
  const bodyBytes = OFFSET_BYTES + contentBytes;
  encodeHeader(view, { command: CONTENT, flags: 0, requestId, bodyBytes });
  view.setBigUint64(HEADER_BYTES, BigInt(offset));
  return frame.subarray(0, CONTENT_PREFIX_BYTES + contentBytes);
}

/** The offset in the prefix of a content frame that begins at `start`. @throws FtpxError OUT_OF_RANGE */
export function decodeContentOffset(view: DataView, start: number): number {
  const offset = view.getBigUint64(start + HEADER_BYTES);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER - 0xffff_ffff)) {
    throw new FtpxError("OUT_OF_RANGE", { reason: "content offset" });
  }
  return Number(offset);
}

/**
 * The body of an error: u16 code, then details, each u8 detail code and a u64 or a
 * text of u16 length. Which of the two follows from the detail code: below 32 a
 * number, from 32 on a text, so that unknown details can be skipped.
 */
export function encodeError(error: FtpxError): Uint8Array {
  const writer = new Writer();
  writer.u16(ERRORS[error.kind].code);
  for (const [name, value] of Object.entries(error.details)) {
    writer.u8(DETAILS[name as DetailName].code);
    if (typeof value === "number") {
      writer.size(value);
    } else {
      const text = encodeText(cutText(value));
      writer.u16(text.byteLength);
      writer.bytes(text);
    }
  }
  return writer.finish();
}

/** @param peer whether it is the operator's own server @throws FtpxError BAD_BODY */
export function decodeError(body: Uint8Array, peer: { isOperators?: boolean } = {}): FtpxError {
  const reader = new Reader(body);
  const code = reader.u16();
  const details: Record<string, number | string> = {};
  while (reader.remainingBytes > 0) {
    const detail = reader.u8();
    const value = detail < FIRST_TEXT_DETAIL ? reader.size() : reader.text(reader.u16());
    const name = NAME_OF_DETAIL.get(detail);
    if (name !== undefined) details[name] = value;
    if (reader.hasFailed) break;
  }
  reader.finish();
  return errorOfCode(code, details, peer);
}

const FIRST_TEXT_DETAIL = 32;

const NAME_OF_DETAIL = new Map<number, DetailName>(
  Object.entries(DETAILS).map(([name, row]) => [row.code, name as DetailName]),
);

/** Cuts to TEXT_BYTES_MAX of UTF-8 without cutting a character; a path of 4 KiB must not swell an error. */
function cutText(text: string): string {
  const bytes = encodeText(text.toWellFormed());
  if (bytes.byteLength <= TEXT_BYTES_MAX) return text.toWellFormed();
  return new TextDecoder().decode(bytes.subarray(0, TEXT_BYTES_MAX)).replace(/\uFFFD+$/, "");
}
