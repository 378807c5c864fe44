/** Takes what a Deframer hands on and keeps it, the way a careful owner does. */
import { Deframer } from "../../src/wire/deframer.ts";
import type { FrameSink } from "../../src/wire/deframer.ts";
import type { Header } from "../../src/wire/frame.ts";
import { hexOf } from "./octets.ts";

/** A frame, or content of one transfer in a row, however many pieces it came in. */
export type Heard =
  | { readonly header: Header; readonly body: string }
  | { readonly requestId: number; readonly offset: number; content: string };

export class Listener implements FrameSink {
  readonly heard: Heard[] = [];
  readonly pieces: Uint8Array[] = [];

  frame(header: Header, body: Uint8Array): void {
    this.heard.push({ header, body: hexOf(body) });
  }

  content(requestId: number, offset: number, piece: Uint8Array): void {
    this.pieces.push(piece);
    const last = this.heard.at(-1);
    const goesOn =
      last !== undefined &&
      "content" in last &&
      last.requestId === requestId &&
      last.offset + last.content.length / 2 === offset;
    if (goesOn) last.content += hexOf(piece);
    else this.heard.push({ requestId, offset, content: hexOf(piece) });
  }
}

/** What is heard of a stream that comes in these pieces. @throws what the Deframer throws */
export function hear(pieces: readonly Uint8Array[], bodyBytesMax: number): Heard[] {
  const listener = new Listener();
  const deframer = new Deframer(listener, bodyBytesMax);
  for (const piece of pieces) deframer.push(piece);
  return listener.heard;
}
