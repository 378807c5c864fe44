/**
 * What holds of the body of any frame, valid or not: it is a value or a refusal of its shape, and
 * a value has one spelling. Only paths may be written in several ways; what they are parsed to is
 * then parsed to itself.
 */
import { isSameBytes } from "../../src/base/bytes.ts";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { NOTICES } from "../../src/commands/notices.ts";
import { TABLE } from "../../src/commands/table.ts";
import {
  decodeError,
  encodeChecked,
  encodeError,
  FLAG_ERROR,
  FLAG_REPLY,
  HEADER_BYTES,
  takeChecked,
} from "../../src/wire/frame.ts";
import type { Header } from "../../src/wire/frame.ts";
import { decodeBody, encodeBody } from "../../src/wire/shape.ts";
import type { Shape } from "../../src/wire/shape.ts";
import { hexOf } from "../support/octets.ts";

interface Codec {
  /** Encodes what it has decoded. */
  again(body: Uint8Array): Uint8Array;
  /** Whether the same value may be written in another way. */
  readonly isLoose: boolean;
}

const REFUSALS: readonly ErrorKind[] = ["BAD_BODY", "BAD_PATH", "OUTSIDE_HOME", "NAME_TOO_LONG"];

const REQUESTS = new Map<number, Codec>();
const REPLIES = new Map<number, Codec>();
for (const { code, request, reply } of Object.values(TABLE)) {
  REQUESTS.set(code, codecOf(request));
  REPLIES.set(code, codecOf(reply));
}
for (const { code, body } of Object.values(NOTICES)) {
  REQUESTS.set(code, codecOf(body));
}

/** Details that are unknown here are skipped. What a server may not say is one error of ours, which is never sent. */
const ERROR: Codec = {
  again: (body) => {
    const error = decodeError(body);
    return error.kind === "SERVER_ERROR" ? body : encodeError(error);
  },
  isLoose: true,
};

function codecOf(shape: Shape<unknown>): Codec {
  return {
    again: (body) => encodeBody(shape, decodeBody(shape, body)),
    isLoose: /(?:: |\[)path\b/.test(shape.notation),
  };
}

/** @throws Error with what was wrong; it is none when the body is refused in the way it should be */
export function checkBody(header: Header, body: Uint8Array): void {
  demandCanonical(header, body);
  const checked = refusalOr(["FRAME_DAMAGED"], () => takeChecked(header, body));
  if (checked === undefined) return;
  // Where the check holds, it is that of this header and this body.
  const sealed = encodeChecked(header.command, header.flags, header.requestId, checked);
  if (!isSameBytes(sealed.subarray(HEADER_BYTES), body)) throw new Error("another check fits too");
  demandCanonical(header, checked);
}

function demandCanonical({ command, flags }: Header, body: Uint8Array): void {
  const isError = (flags & FLAG_ERROR) !== 0;
  const codecs = (flags & FLAG_REPLY) === 0 ? REQUESTS : REPLIES;
  const codec = isError ? ERROR : codecs.get(command);
  if (codec === undefined) return;
  const again = refusalOr(REFUSALS, () => codec.again(body));
  if (again === undefined || isSameBytes(again, body)) return;
  if (!codec.isLoose) throw new Error(`a second spelling of ${hexOf(again)}`);
  const thrice = codec.again(again);
  if (!isSameBytes(thrice, again)) throw new Error(`${hexOf(again)} becomes ${hexOf(thrice)}`);
}

/** Nothing when it was refused in one of these ways. @throws Error for anything else */
function refusalOr<Value>(kinds: readonly ErrorKind[], work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    kindAmong(error, kinds);
    return undefined;
  }
}

/** @throws Error when it is none of these refusals */
export function kindAmong(error: unknown, kinds: readonly ErrorKind[]): ErrorKind {
  if (error instanceof FtpxError && kinds.includes(error.kind)) return error.kind;
  throw new Error(`thrown: ${String(error)}`, { cause: error });
}
