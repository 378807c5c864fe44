/**
 * Valid input to begin with: one frame of every request, reply and notice of the table, of an
 * error, of content and of a ping, each as it stands on a TLS connection and again with the check
 * of a plain one.
 */
import { FtpxError } from "../../src/base/errors.ts";
import { NOTICES } from "../../src/commands/notices.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { CommandName } from "../../src/commands/table.ts";
import {
  CONTENT_PREFIX_BYTES,
  encodeChecked,
  encodeError,
  encodeFrame,
  FLAG_ERROR,
  FLAG_REPLY,
  PING,
  sealContent,
} from "../../src/wire/frame.ts";
import { encodeBody } from "../../src/wire/shape.ts";
import type { Shape } from "../../src/wire/shape.ts";
import type { Chance } from "../support/chance.ts";
import { bytes } from "../support/octets.ts";
import { NOTICE_SAMPLES, SAMPLES } from "../support/samples.ts";
import { encodeAnyway, nearlyRight } from "./values.ts";

type Message = readonly [command: number, flags: number, body: Uint8Array];

interface Sampled {
  readonly command: number;
  readonly flags: number;
  readonly shape: Shape<unknown>;
  readonly value: unknown;
}

/** The messages whose bodies have a shape, with a value for it. */
const SAMPLED: readonly Sampled[] = [...rows(), ...notices()];

/** All of them without TLS's, then all of them with the check, then content. */
export const CORPUS: readonly Uint8Array[] = makeCorpus();

/** A frame that is whole, with a value in it that is nearly right. */
export function shapedFrame(chance: Chance): Uint8Array {
  const [first] = SAMPLED.slice(chance.below(SAMPLED.length));
  if (first === undefined) return new Uint8Array(0);
  const body = encodeAnyway(first.shape, nearlyRight(first.value, chance));
  const encode = chance.percent(50) ? encodeFrame : encodeChecked;
  return encode(first.command, first.flags, chance.below(2 ** 32), body ?? chance.bytes(9));
}

function makeCorpus(): Uint8Array[] {
  const shaped = SAMPLED.map(({ command, flags, shape, value }): Message => {
    return [command, flags, encodeBody(shape, value)];
  });
  const messages = [...pings(), ...shaped, ...errors()];
  const plain = messages.map(([command, flags, body], id) => encodeFrame(command, flags, id, body));
  const checked = messages.map(([command, flags, body], id) =>
    encodeChecked(command, flags, id, body),
  );
  const content = [1, 2, 40].map((contentBytes) => {
    const frame = new Uint8Array(CONTENT_PREFIX_BYTES + contentBytes).fill(contentBytes);
    return sealContent(frame, 7, 2 ** 40, contentBytes);
  });
  return [...plain, ...checked, ...content];
}

function pings(): Message[] {
  return [
    [PING, 0, bytes("")],
    [PING, FLAG_REPLY, bytes("")],
  ];
}

function rows(): Sampled[] {
  return (Object.keys(TABLE) as CommandName[]).flatMap((name): Sampled[] => {
    const { code: command, request, reply } = TABLE[name];
    const sample = SAMPLES[name];
    return [
      { command, flags: 0, shape: request, value: sample.request },
      { command, flags: FLAG_REPLY, shape: reply, value: sample.reply },
    ];
  });
}

function notices(): Sampled[] {
  return Object.entries(NOTICES).map(([name, { code: command, body }]) => {
    const value = NOTICE_SAMPLES[name as keyof typeof NOTICES];
    return { command, flags: 0, shape: body, value };
  });
}

function errors(): Message[] {
  return [
    new FtpxError("QUOTA_EXCEEDED", { neededBytes: 5, path: "/é" }),
    new FtpxError("NOT_SIGNED_IN"),
  ].map((error) => [0x30, FLAG_REPLY | FLAG_ERROR, encodeError(error)]);
}
