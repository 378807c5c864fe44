/**
 * The sending end, and both ends together over real files.
 */
import { afterAll, expect, test } from "bun:test";
import { composeDigest, formatDigest } from "../../src/base/digest.ts";
import { FtpxError } from "../../src/base/errors.ts";
import type { OpenFile } from "../../src/base/openfile.ts";
import {
  CHUNK_BYTES,
  CONTENT_BYTES_MAX,
  WINDOW_BYTES,
  WINDOW_BYTES_MIN,
} from "../../src/base/limits.ts";
import { Receiver } from "../../src/transfer/receiver.ts";
import { sendFile } from "../../src/transfer/sender.ts";
import type { SenderStart, SenderTarget } from "../../src/transfer/sender.ts";
import { SendWindow } from "../../src/transfer/window.ts";
import { Chance, withChance } from "../support/chance.ts";
import { FakeFile } from "../support/file.ts";
import { Folder } from "../support/folder.ts";
import { refusal } from "../support/refusal.ts";
import { turn } from "../support/socket.ts";

const KIB = 1024;
const CONTENT = new Chance(11).bytes(2 * CHUNK_BYTES + 5);
const PREFIX_BYTES = 20;
const folder = new Folder();
const SOURCE = await folder.open("source", CONTENT);

afterAll(async () => {
  await SOURCE.close();
  folder.remove();
});

interface Sent {
  readonly offset: number;
  readonly bytes: number;
}

/** Takes everything, notes it, and lets the window be free at once. */
class Target implements SenderTarget {
  readonly prefixBytes = PREFIX_BYTES;
  readonly sent: Sent[] = [];
  readonly proofs: number[] = [];
  readonly window: SendWindow;
  content: Uint8Array;
  constructor(window: SendWindow, content = new Uint8Array(0)) {
    this.window = window;
    this.content = content;
  }

  async sendContent(frame: Uint8Array, offset: number, bytes: number): Promise<void> {
    // What is lent must still be the same when the promise settles.
    const copy = frame.slice(PREFIX_BYTES, PREFIX_BYTES + bytes);
    await turn();
    expect(Buffer.compare(frame.subarray(PREFIX_BYTES, PREFIX_BYTES + bytes), copy)).toBe(0);
    this.sent.push({ offset, bytes });
    this.content = Buffer.concat([this.content, copy]);
    this.window.acknowledge(offset + bytes);
  }

  sendProof(index: number): void {
    this.proofs.push(index);
  }
}

function startOf(start: Partial<SenderStart> = {}): SenderStart & { target: Target } {
  const { fromOffset = 0, totalBytes = CONTENT.byteLength } = start;
  const window = start.window ?? new SendWindow(WINDOW_BYTES, fromOffset);
  const usual = { algorithm: "xxh128", firstChunk: Math.floor(fromOffset / CHUNK_BYTES) } as const;
  const file = start.file ?? new FakeFile(CONTENT.slice(0, totalBytes));
  return { ...usual, ...start, file, totalBytes, fromOffset, window, target: new Target(window) };
}

test("content goes out in frames that never straddle chunks, each chunk followed by its proof", async () => {
  const fromOffset = CHUNK_BYTES - 1000;
  const start = startOf({ fromOffset });
  const digests = await sendFile(start);
  const { sent, proofs, content } = start.target;

  expect(digests).toHaveLength(3);
  expect(sent[0]).toEqual({ offset: fromOffset, bytes: 1000 });
  expect(sent.slice(1, 17).map(({ bytes }) => bytes)).toEqual(
    Array.from({ length: 16 }, () => CONTENT_BYTES_MAX),
  );
  expect(sent.at(-1)).toEqual({ offset: 2 * CHUNK_BYTES, bytes: 5 });
  expect(proofs).toEqual([0, 1]);
  expect(Buffer.compare(content, CONTENT.subarray(fromOffset))).toBe(0);
});

test("a frame is at most an eighth of the window, so that idle readers hold little", async () => {
  const window = new SendWindow(2000, 0);
  const start = startOf({ window, totalBytes: 2500 });
  await sendFile(start);

  expect(start.target.sent.map(({ bytes }) => bytes)).toEqual(
    Array.from({ length: 10 }, () => 250),
  );
});

test.each([
  ["the last bytes lie on both sides of the end of a chunk", CHUNK_BYTES - 100, CHUNK_BYTES + 100],
  ["one byte is left", CHUNK_BYTES, CHUNK_BYTES + 1],
  ["the last byte of a chunk is left", CHUNK_BYTES - 1, CHUNK_BYTES],
  ["nothing is left", CHUNK_BYTES + 7, CHUNK_BYTES + 7],
])("a file is sent to its end when %s", async (_case, fromOffset, totalBytes) => {
  const start = startOf({ fromOffset, totalBytes });
  await sendFile(start);

  expect(Buffer.compare(start.target.content, CONTENT.subarray(fromOffset, totalBytes))).toBe(0);
});

test("what lies before the content is proved and not sent", async () => {
  const start = startOf({ fromOffset: CHUNK_BYTES, firstChunk: 0, totalBytes: CHUNK_BYTES + 1 });
  await sendFile(start);

  expect(start.target.sent).toEqual([{ offset: CHUNK_BYTES, bytes: 1 }]);
  expect(start.target.proofs).toEqual([0]);
});

test.each([
  ["all of it", 0, 0],
  ["from a chunk on", CHUNK_BYTES, 1],
  ["from within a chunk on", CHUNK_BYTES + 7, 1],
  ["a tail of which the chunk before is proved, not sent", CHUNK_BYTES, 0],
])(
  "known digests are said as computed ones would be: %s",
  async (_case, fromOffset, firstChunk) => {
    const computed = startOf({ fromOffset, firstChunk });
    const digests = await sendFile(computed);
    const known = await sendFile(startOf({ fromOffset: 0 }));
    const recited = startOf({ fromOffset, firstChunk, known });

    expect(await sendFile(recited)).toEqual(digests);
    expect(recited.target.proofs).toEqual(computed.target.proofs);
    expect(recited.target.sent).toEqual(computed.target.sent);
  },
);

test("known digests are said, whatever the file holds now", async () => {
  const known = await sendFile(startOf());
  const file = new FakeFile(new Uint8Array(CONTENT.byteLength));

  expect(await sendFile(startOf({ file, known }))).toEqual(known);
});

test("F2: a file that has become shorter is CHANGED", () => {
  const file = new FakeFile(CONTENT.slice(0, 999_999));

  expect(sendFile(startOf({ file, totalBytes: 1_000_000 }))).rejects.toThrow(refusal("CHANGED"));
});

test("a rate limit is asked before each frame", async () => {
  const asked: number[] = [];
  const pace = async (bytes: number) => void asked.push(bytes);
  await sendFile(startOf({ totalBytes: CONTENT_BYTES_MAX + 3, pace }));

  expect(asked).toEqual([CONTENT_BYTES_MAX, 3]);
});

test("a window that fails while the sender waits ends it with that failure", async () => {
  const window = new SendWindow(100, 0);
  await window.claim(100);
  const sending = sendFile(startOf({ window, totalBytes: 1000 }));
  setTimeout(() => window.fail(new FtpxError("TAKEN_OVER")), 5);

  expect(sending).rejects.toThrow(refusal("TAKEN_OVER"));
});

test("a send that fails leaves no read under way, so the file may be closed", async () => {
  let reading = 0;
  class SlowFile extends FakeFile {
    override async read(into: Uint8Array, position: number): Promise<number> {
      reading += 1;
      await Bun.sleep(5);
      reading -= 1;
      return await super.read(into, position);
    }
  }
  const start = startOf({ file: new SlowFile(CONTENT) });
  start.target.sendContent = () => Promise.reject(new FtpxError("CONNECTION_LOST"));

  expect(sendFile(start)).rejects.toThrow(refusal("CONNECTION_LOST"));
  expect(reading).toBe(0);
});

/** Both ends over real files; reads of chance on the way, and a window between them. */
async function transfer(
  source: OpenFile,
  target: OpenFile,
  place: { totalBytes: number; firstChunk: number; fromOffset: number; windowBytes: number },
  chance: Chance,
): Promise<string> {
  const algorithm = "xxh128";
  const window = new SendWindow(place.windowBytes, place.fromOffset);
  const failures: FtpxError[] = [];
  const receiver = await Receiver.create(
    { file: target, algorithm, ...place },
    {
      acknowledge: (offset) => window.acknowledge(offset),
      received: () => {},
      failed: (failure) => failures.push(failure),
    },
  );
  const sent = await sendFile({
    file: source,
    algorithm,
    ...place,
    window,
    target: {
      prefixBytes: PREFIX_BYTES,
      sendContent: async (frame, offset, bytes) => {
        const content = frame.subarray(PREFIX_BYTES, PREFIX_BYTES + bytes);
        for (let taken = 0; taken < bytes;) {
          const piece = content.slice(taken, taken + chance.between(1, 400 * KIB));
          receiver.accept(offset + taken, piece);
          taken += piece.byteLength;
        }
        await turn();
      },
      sendProof: (index, digest) => receiver.prove(index, digest),
    },
  });
  const received = await receiver.finish();
  expect(failures).toEqual([]);
  expect(received).toEqual(sent);
  return formatDigest(await composeDigest(algorithm, received));
}

async function run(
  place: { totalBytes: number; firstChunk: number; fromOffset: number; windowBytes: number },
  chance: Chance,
): Promise<void> {
  const content = CONTENT.subarray(0, place.totalBytes);
  const target = await folder.open("target", content.subarray(0, place.fromOffset));
  try {
    await transfer(SOURCE, target, place, chance);
    expect(Buffer.compare(folder.read("target"), content)).toBe(0);
  } finally {
    await target.close();
  }
}

test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 5])(
  "a file of %p bytes arrives whole through the largest window and the least",
  async (totalBytes) => {
    await withChance(async (chance) => {
      for (const windowBytes of [WINDOW_BYTES, WINDOW_BYTES_MIN]) {
        await run({ totalBytes, firstChunk: 0, fromOffset: 0, windowBytes }, chance);
      }
    });
  },
);

test.each([
  ["at the front of a chunk", 1, CHUNK_BYTES],
  ["at the front of the last chunk", 2, 2 * CHUNK_BYTES],
  ["inside the first chunk", 0, 1],
  ["just before the end of a chunk", 0, CHUNK_BYTES - 1],
  ["100 KiB before the end of a chunk", 0, CHUNK_BYTES - 100 * KIB],
  ["a whole chunk behind what is proved", 0, CHUNK_BYTES],
  ["just behind the front of a chunk", 1, CHUNK_BYTES + 1],
  ["in the last bytes", 2, 2 * CHUNK_BYTES + 4],
  ["at the end", 2, CONTENT.byteLength],
])("R27: a transfer that goes on %s arrives whole", async (_case, firstChunk, fromOffset) => {
  await withChance(async (chance) => {
    const windowBytes = chance.pick([WINDOW_BYTES_MIN, WINDOW_BYTES]);
    await run({ totalBytes: CONTENT.byteLength, firstChunk, fromOffset, windowBytes }, chance);
  });
});
