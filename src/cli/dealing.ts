/**
 * Dealt input: what comes from a terminal is handed to readline in pieces that end with a Tab
 * or with the end of a line, and none before the one before it was dealt with. So what is typed
 * behind a Tab waits for what the Tab finds, and what is typed behind a line is for the next
 * one, however fast it came. Which keys there are is readline's.
 */
import { Readable } from "node:stream";

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** What readline hears in place of the terminal. */
export class DealtInput extends Readable {
  readonly isTTY = true;
  readonly #terminal: NodeJS.ReadStream;
  readonly #pieces: Uint8Array[] = [];
  #holdersCount = 0;
  /** A piece, or the end, was handed on and has not reached its reader. */
  #isUnderWay = false;
  #isEnded = false;

  /** @param ahead what an earlier one gave back */
  constructor(terminal: NodeJS.ReadStream, ahead: Uint8Array) {
    super({ read: () => {} });
    this.#terminal = terminal;
    this.#pieces.push(...piecesOf(ahead));
  }

  /** Call it when readline listens, so that it has done with a piece before the next one comes. */
  begin(): void {
    this.on("data", this.#dealtWith);
    this.#terminal.on("data", this.#take);
    this.#terminal.once("end", this.#end);
    this.#terminal.resume();
    if (this.#terminal.readableEnded) this.#end();
    else this.#deal();
  }

  /** Nothing more is dealt until what it answers was called as well. */
  hold(): () => void {
    this.#holdersCount += 1;
    let isHolding = true;
    return () => {
      if (!isHolding) return;
      isHolding = false;
      this.#holdersCount -= 1;
      this.#deal();
    };
  }

  /** Leaves the terminal alone. @returns what was typed and not dealt */
  giveUp(): Uint8Array {
    this.#holdersCount = Infinity;
    this.off("data", this.#dealtWith);
    this.#terminal.off("data", this.#take);
    this.#terminal.off("end", this.#end);
    this.#terminal.pause();
    return Buffer.concat(this.#pieces.splice(0));
  }

  /** Readline asks for it, and leaves it when it is closed. */
  setRawMode(isRaw: boolean): void {
    this.#terminal.setRawMode(isRaw);
  }

  readonly #take = (bytes: Uint8Array): void => {
    this.#pieces.push(...piecesOf(bytes));
    this.#deal();
  };

  readonly #end = (): void => {
    this.#isEnded = true;
    this.#deal();
  };

  readonly #dealtWith = (): void => {
    this.#isUnderWay = false;
    this.#deal();
  };

  #deal(): void {
    if (this.#isUnderWay || this.#holdersCount > 0) return;
    const piece = this.#pieces.shift();
    if (piece === undefined && !this.#isEnded) return;
    this.#isUnderWay = true;
    this.push(piece ?? null);
  }
}

/** Each ends with a Tab or the end of a line, but for the last. Both are never part of another key. */
export function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    const isCut = byte === LINE_FEED || byte === TAB || byte === RETURN;
    if (!isCut || (byte === RETURN && bytes[index + 1] === LINE_FEED)) continue;
    pieces.push(bytes.subarray(start, index + 1));
    start = index + 1;
  }
  if (start < bytes.length) pieces.push(bytes.subarray(start));
  return pieces;
}
