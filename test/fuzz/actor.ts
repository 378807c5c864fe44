/**
 * Sends what a session is to send, right or spoiled: requests with bodies of the rows, content,
 * notices, frames of nothing. How much is spoiled is said when it is made; what it knows of the
 * session stays true all the same, because answers are listened to.
 */
import { SIGN_IN_MS_MAX } from "../../src/base/limits.ts";
import { signInMessage } from "../../src/base/signature.ts";
import { NOTICES } from "../../src/commands/notices.ts";
import type { NoticeName } from "../../src/commands/notices.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { AnyCommand, CommandName } from "../../src/commands/table.ts";
import { CONTENT } from "../../src/wire/frame.ts";
import type { Chance } from "../support/chance.ts";
import { NOTICE_SAMPLES, SAMPLES } from "../support/samples.ts";
import { CORPUS } from "./corpus.ts";
import { FUZZ_KEY } from "./memory.ts";
import type { Memory, OpenUpload } from "./memory.ts";
import { changed } from "./mutation.ts";
import type { Answer, Peer } from "./peer.ts";
import { encodeAnyway, nearlyRight } from "./values.ts";

/** Longer than anything takes that a session asks for; the deadline for sign-in comes sooner. */
const ANSWER_MS_MAX = 2 * SIGN_IN_MS_MAX;
const UNKNOWN_CODE = 0x7f;
/** Would end the server, and then nobody could say why. */
const NEVER_OPERATORS = new Set<number>([TABLE.drain.code]);

export class Actor {
  readonly peer: Peer;
  readonly memory: Memory;
  readonly chance: Chance;
  /** Of a hundred frames so many are spoiled. */
  readonly spoiledPercent: number;
  readonly #fingerprint: string;
  frameCount = 0;

  constructor(
    peer: Peer,
    memory: Memory,
    chance: Chance,
    { spoiledPercent, fingerprint }: { spoiledPercent: number; fingerprint: string },
  ) {
    this.peer = peer;
    this.memory = memory;
    this.chance = chance;
    this.spoiledPercent = spoiledPercent;
    this.#fingerprint = peer.way.door === "tls" ? fingerprint : "";
  }

  /** A request that fits, or nearly. The answer is not always waited for. */
  ask(name: CommandName, fields: Record<string, unknown> = {}): Promise<Answer> {
    const { chance, memory } = this;
    const row = TABLE[name] as unknown as AnyCommand;
    let request: Record<string, unknown> = { ...SAMPLES[name].request };
    for (const field of Object.keys(request)) {
      request[field] = fields[field] ?? memory.valueFor(field) ?? request[field];
    }
    if (chance.percent(this.spoiledPercent)) request = nearlyRight(request, chance);
    const body = encodeAnyway(row.request, request) ?? chance.bytes(chance.below(40));
    const id = memory.nextId();
    const answer = this.peer.expect(id, row);
    this.#send(this.peer.seal(row.code, 0, id, body));
    return answer;
  }

  /** As `ask`, and waits; late is an answer that never came although the frames were whole. */
  async call(name: CommandName, fields: Record<string, unknown> = {}): Promise<Answer> {
    return await this.inTime(this.ask(name, fields), name);
  }

  async inTime(answer: Promise<Answer>, what: string): Promise<Answer> {
    // Where nobody knows what was sent, nobody knows whether there is an answer.
    const msMax = this.peer.isSpoiled ? 20 : ANSWER_MS_MAX;
    const late = Promise.withResolvers<Answer>();
    const timer = setTimeout(() => {
      if (!this.peer.isSpoiled) this.peer.violations.push(`no answer to ${what}`);
      late.resolve({ outcome: "closed" });
    }, msMax);
    const first = await Promise.race([answer, late.promise]);
    clearTimeout(timer);
    return first;
  }

  async greet(): Promise<void> {
    await this.call("hello", { client: "fuzz", features: [] });
  }

  /** @returns whether it is in */
  async signIn(user: string): Promise<boolean> {
    const { peer } = this;
    const { publicKey } = FUZZ_KEY;
    const first = await this.call("keyFirst", { user, publicKey });
    if (first.outcome !== "reply" || peer.isGone) return false;
    const nonce = first.value["nonce"] as Uint8Array;
    const about = { binding: peer.binding, fingerprint: this.#fingerprint, user, publicKey, nonce };
    const signature = FUZZ_KEY.sign(signInMessage(about));
    return (await this.call("keyFinal", { signature })).outcome === "reply";
  }

  /** A piece of an upload; spoiled, at another place or of another transfer. */
  content(upload: OpenUpload, pieceBytes: number): void {
    const { chance } = this;
    const piece = upload.content.bytes.subarray(upload.offset, upload.offset + pieceBytes);
    let { id, offset } = upload;
    if (chance.percent(this.spoiledPercent)) {
      if (chance.percent(50)) id = chance.pick([0, id + 1, id - 1, 0xffff_ffff]) >>> 0;
      else offset = chance.pick([0, offset + 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53]);
    }
    upload.offset += piece.byteLength;
    this.#send(contentFrame(id, offset, piece));
  }

  notice(name: NoticeName, id: number, fields: Record<string, unknown> = {}): void {
    const { code, body } = NOTICES[name];
    let value: unknown = { ...NOTICE_SAMPLES[name], ...fields };
    if (this.chance.percent(this.spoiledPercent)) value = nearlyRight(value, this.chance);
    const bytes = encodeAnyway(body, value) ?? new Uint8Array(0);
    this.#send(this.peer.seal(code, 0, id, bytes));
  }

  /** What has no place at all: an unknown command, a reply of ours, an old id, a frame of any row. */
  stray(): void {
    const { chance, memory, peer } = this;
    const body = chance.bytes(chance.below(60));
    const code = chance.pick([UNKNOWN_CODE, 0, 0x40, 0x41, 0x42, 0x43, chance.below(256)]);
    const id = chance.pick([memory.nextId(), memory.lastId, 0, 0xffff_ffff, chance.below(2 ** 32)]);
    const flags = chance.pick([0, 0, 0, 1, 2, 3, 4, 0x8000]);
    peer.isSpoiled = true;
    const [any = body] = CORPUS.slice(chance.below(CORPUS.length));
    this.#send(chance.percent(50) ? peer.seal(code, flags, id, body) : any);
  }

  /** Nothing of a protocol, or the beginning of a frame whose end never comes. */
  garbage(): void {
    const { chance, peer } = this;
    peer.isSpoiled = true;
    const frame = peer.seal(TABLE.stat.code, 0, this.memory.nextId(), chance.bytes(200));
    const part = frame.subarray(0, chance.between(1, frame.byteLength - 1));
    peer.send(chance.percent(50) ? part : chance.bytes(chance.between(1, 300)), chance);
  }

  /** Whatever came before: what is whole is answered, or the connection is over. */
  async demandAnswer(): Promise<void> {
    const { memory, peer } = this;
    if (peer.isGone || peer.isSpoiled) return;
    const id = memory.nextId();
    const answer = peer.expect(id);
    peer.send(peer.seal(UNKNOWN_CODE, 0, id, new Uint8Array(0)));
    const { outcome, ...rest } = await this.inTime(answer, "an unknown command");
    if (outcome === "reply") peer.violations.push(`an unknown command: ${JSON.stringify(rest)}`);
  }

  #send(frame: Uint8Array): void {
    const { chance, peer } = this;
    this.frameCount += 1;
    let bytes = frame;
    if (chance.percent(this.spoiledPercent) && chance.percent(30)) {
      peer.isSpoiled = true;
      bytes = changed(new Uint8Array(frame), chance, CORPUS);
    }
    if (peer.way.door === "operator" && mayDrain(bytes)) {
      peer.isSpoiled = true;
      return;
    }
    peer.send(bytes, chance.percent(20) ? chance : undefined);
    // The same once more: an id that does not grow, content that was there.
    if (chance.percent(this.spoiledPercent) && chance.percent(10)) peer.send(bytes);
  }
}

/** Wherever it stands: what is in front of it may be a frame or not. */
function mayDrain(bytes: Uint8Array): boolean {
  return bytes.some((octet, index) => octet === 1 && NEVER_OPERATORS.has(bytes[index + 1] ?? 0));
}

/** By hand: an offset may be one that nobody can have. */
function contentFrame(id: number, offset: number, piece: Uint8Array): Uint8Array {
  const frame = new Uint8Array(20 + piece.byteLength);
  const view = new DataView(frame.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, CONTENT);
  view.setUint32(4, id);
  view.setUint32(8, 8 + piece.byteLength);
  view.setBigUint64(12, BigInt(offset));
  frame.set(piece, 20);
  return frame;
}
