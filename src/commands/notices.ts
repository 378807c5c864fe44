/**
 * Messages that belong to an open transfer and have no reply. Their request id is the
 * one that opened the transfer; content itself is frame.ts's CONTENT.
 */
import { digest, record, size, u32 } from "../wire/shape.ts";
import type { Shape, ValueOf } from "../wire/shape.ts";

export const NOTICES = {
  /** The digest of a whole chunk, after its last byte. */
  proof: { code: 0x41, body: record({ index: u32, digest }) },
  /** Everything before `offset` has been dealt with. */
  ack: { code: 0x42, body: record({ offset: size }) },
  /** All content of a download was sent; the digest is over the chunks from the first one sent. */
  end: { code: 0x43, body: record({ totalBytes: size, chunks: u32, digest }) },
} as const satisfies Record<string, { code: number; body: Shape<never> | Shape<unknown> }>;

export type NoticeName = keyof typeof NOTICES;
export type Notice<Name extends NoticeName> = ValueOf<(typeof NOTICES)[Name]["body"]>;

export const NOTICE_OF_CODE: ReadonlyMap<number, NoticeName> = new Map(
  Object.entries(NOTICES).map(([name, { code }]) => [code, name as NoticeName]),
);
