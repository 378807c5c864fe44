/**
 * Field codecs and how they combine into a body.
 *
 * A Shape knows how one value is written and read, and says in `notation` what
 * PROTOCOL.md prints for it. Decoding is strict: lengths over their bound, texts
 * that are not UTF-8, choices without a meaning and bytes that are left over are
 * refused as BAD_BODY. A path is parsed here, where it comes in, and nowhere else.
 */
import { encodeText, Reader, Writer } from "../base/bytes.ts";
import { ALGORITHMS, DIGEST_BYTES_MAX } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { FtpxError } from "../base/errors.ts";
import { PATH_BYTES_MAX } from "../base/limits.ts";
import { parsePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";

export interface Shape<Value> {
  readonly notation: string;
  encode(writer: Writer, value: Value): void;
  /** Failures are left in the reader; whoever decodes a body asks it once. */
  decode(reader: Reader): Value;
}

export type ValueOf<S> = S extends Shape<infer Value> ? Value : never;

export const u8: Shape<number> = {
  notation: "u8",
  encode: (writer, value) => writer.u8(value),
  decode: (reader) => reader.u8(),
};

export const u32: Shape<number> = {
  notation: "u32",
  encode: (writer, value) => writer.u32(value),
  decode: (reader) => reader.u32(),
};

/** A number of bytes, an offset, a count or a time in milliseconds since 1970: at most 2^53-1. */
export const size: Shape<number> = {
  notation: "u64",
  encode: (writer, value) => writer.size(value),
  decode: (reader) => reader.size(),
};

export const flag: Shape<boolean> = {
  notation: "flag",
  encode: (writer, value) => writer.u8(value ? 1 : 0),
  decode: (reader) => {
    const value = reader.u8();
    return value <= 1 ? value === 1 : reader.fail("flag is neither 0 nor 1", false);
  },
};

export function bytes(bytesMax: number): Shape<Uint8Array> {
  return {
    notation: `bytes ≤ ${bytesMax}`,
    encode: (writer, value) => {
      writer.u16(checkLength(value.byteLength, bytesMax));
      writer.bytes(value);
    },
    // A copy, because the body is lent and what is decoded is kept.
    decode: (reader) => reader.bytes(readLength(reader, bytesMax)).slice(),
  };
}

export function text(bytesMax: number): Shape<string> {
  return {
    notation: `text ≤ ${bytesMax}`,
    encode: (writer, value) => {
      const encoded = encodeText(value);
      writer.u16(checkLength(encoded.byteLength, bytesMax));
      writer.bytes(encoded);
    },
    decode: (reader) => reader.text(readLength(reader, bytesMax)),
  };
}

/** Each byte that is not UTF-8 takes four as an escape. */
const PATH_TEXT = text(4 * PATH_BYTES_MAX);

/** @throws FtpxError BAD_PATH, NAME_TOO_LONG, OUTSIDE_HOME while decoding */
export const path: Shape<VirtualPath> = {
  notation: "path",
  encode: (writer, value) => PATH_TEXT.encode(writer, value),
  decode: (reader) => {
    const written = PATH_TEXT.decode(reader);
    return parsePath(reader.hasFailed ? "/" : written);
  },
};

const DIGEST_BYTES = bytes(DIGEST_BYTES_MAX);
const DIGEST_LENGTHS = new Set<number>(Object.values(ALGORITHMS).map((row) => row.digestBytes));

/** Of any algorithm; which one it must be of is known where it is used. */
export const digest: Shape<Uint8Array> = {
  notation: "digest",
  encode: (writer, value) => DIGEST_BYTES.encode(writer, value),
  decode: (reader) => {
    const value = DIGEST_BYTES.decode(reader);
    if (reader.hasFailed || DIGEST_LENGTHS.has(value.byteLength)) return value;
    return reader.fail("a digest of no algorithm", value);
  },
};

export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return {
    notation: `[${shape.notation}]`,
    encode: (writer, value) => {
      flag.encode(writer, value !== undefined);
      if (value !== undefined) shape.encode(writer, value);
    },
    decode: (reader) => (flag.decode(reader) ? shape.decode(reader) : undefined),
  };
}

export function listOf<Value>(shape: Shape<Value>, countMax: number): Shape<Value[]> {
  return {
    notation: `list ≤ ${countMax} of ${bracketed(shape.notation)}`,
    encode: (writer, values) => {
      writer.u32(checkLength(values.length, countMax));
      for (const value of values) shape.encode(writer, value);
    },
    decode: (reader) => {
      const count = reader.u32();
      if (count > countMax) return reader.fail("list is over its bound", []);
      const values: Value[] = [];
      // A false count costs nothing: reading ends with the bytes that are there.
      while (values.length < count && !reader.hasFailed) values.push(shape.decode(reader));
      return values;
    },
  };
}

/** A record's fields stand in braces where they are part of something larger. */
function bracketed(notation: string): string {
  return notation.includes("; ") ? `{ ${notation} }` : notation;
}

/** One of some words, each with its permanent code. */
export function choice<const Codes extends Record<string, number>>(
  codes: Codes,
): Shape<keyof Codes & string> {
  const words = new Map(Object.entries(codes).map(([word, code]) => [code, word]));
  const notation = Object.entries(codes)
    .map(([word, code]) => `${code} ${word}`)
    .join(", ");
  return {
    notation: `u8: ${notation}`,
    encode: (writer, value) => writer.u8(codes[value] ?? 0),
    decode: (reader) => {
      const word = words.get(reader.u8());
      const first = Object.keys(codes)[0] as keyof Codes & string;
      return word === undefined ? reader.fail("no such choice", first) : word;
    },
  };
}

export const algorithm: Shape<Algorithm> = choice({
  sha256: ALGORITHMS.sha256.code,
  md5: ALGORITHMS.md5.code,
  xxh128: ALGORITHMS.xxh128.code,
  blake3: ALGORITHMS.blake3.code,
});

export type RecordOf<F> = { -readonly [Name in keyof F]: ValueOf<F[Name]> };

/** Fields one behind the other, in the order in which they are written here. */
export function record<const F extends Record<string, unknown>>(fields: F): Shape<RecordOf<F>> {
  const entries = Object.entries(fields) as [string, Shape<unknown>][];
  return {
    notation: entries.map(([name, shape]) => `${name}: ${shape.notation}`).join("; "),
    encode: (writer, value) => {
      for (const [name, shape] of entries) shape.encode(writer, value[name as keyof F]);
    },
    decode: (reader) => {
      const value: Record<string, unknown> = {};
      for (const [name, shape] of entries) value[name] = shape.decode(reader);
      return value as RecordOf<F>;
    },
  };
}

export function encodeBody<Value>(shape: Shape<Value>, value: Value): Uint8Array {
  const writer = new Writer();
  shape.encode(writer, value);
  return writer.finish();
}

/** @throws FtpxError BAD_BODY, and BAD_PATH and its kin for a path in it */
export function decodeBody<Value>(shape: Shape<Value>, body: Uint8Array): Value {
  const reader = new Reader(body);
  const value = shape.decode(reader);
  reader.finish();
  return value;
}

function readLength(reader: Reader, bytesMax: number): number {
  const length = reader.u16();
  return length <= bytesMax ? length : reader.fail("field is over its bound", 0);
}

function checkLength(length: number, max: number): number {
  if (length > max) throw new FtpxError("OUT_OF_RANGE", { reason: "field is over its bound" });
  return length;
}
