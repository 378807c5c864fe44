import { afterEach, expect, jest, test } from "bun:test";
import { HELD_BYTES_EACH, REPLY_QUEUE_BYTES_MAX } from "../../src/base/limits.ts";
import { Link } from "../../src/wire/link.ts";
import { withChance } from "../support/chance.ts";
import { bytes, hexOf, joined } from "../support/octets.ts";
import { refusal } from "../support/refusal.ts";
import { FakeSocket, turn } from "../support/socket.ts";

const LARGE = 100 * 1024;

/** A frame that says which one it is, wherever it is looked at. */
function frameOf(mark: number, size = 4): Uint8Array {
  return new Uint8Array(size).fill(mark);
}

function make(closeMsMax?: number): { socket: FakeSocket; link: Link } {
  const socket = new FakeSocket();
  return { socket, link: new Link(socket, closeMsMax) };
}

/** Of the tests that let time go by themselves. */
afterEach(() => void jest.useRealTimers());

/** The marks of what was sent, each once for every run of it. */
function marksOf({ sent }: FakeSocket): number[] {
  return [...sent].filter((octet, index) => octet !== sent[index - 1]);
}

/** How a promise stands at the end of the turn. */
async function outcomeOf(sending: Promise<void>): Promise<string> {
  const outcome = sending.then(
    () => "sent",
    (error: { kind?: string }) => error.kind ?? "a defect",
  );
  await turn();
  return await Promise.race([outcome, Promise.resolve("waits")]);
}

test("frames of one turn go out in one write, in their order", async () => {
  const { socket, link } = make();
  for (const mark of [1, 2, 3]) link.send(frameOf(mark));
  expect(socket.writes).toEqual([]);
  await turn();

  expect(socket.writes.map(hexOf)).toEqual(["010101010202020203030303"]);
});

test("small frames of several callbacks of one turn go out in one write, a large one does not wait", async () => {
  const { socket, link } = make();
  link.send(frameOf(1));
  await Promise.resolve();
  link.send(frameOf(2));
  await Promise.resolve();
  expect(socket.writes).toEqual([]);
  await turn();
  expect(socket.writes.map(hexOf)).toEqual(["0101010102020202"]);
  const sending = link.sendContent(frameOf(3, LARGE));
  await Promise.resolve();
  expect(socket.writes.length).toBe(2);

  await sending;
});

test("frames above 16 KiB are written from where they are, others are joined up to 64 KiB", async () => {
  const { socket, link } = make();
  for (const mark of [1, 2, 3, 4, 5]) link.send(frameOf(mark, 16 * 1024));
  link.send(frameOf(6, 16 * 1024 + 1));
  link.send(frameOf(7));
  await turn();
  const kib = 1024;

  expect(socket.writes.map(({ byteLength }) => byteLength)).toEqual([
    64 * kib,
    16 * kib,
    16 * kib + 1,
    4,
  ]);
  expect(marksOf(socket)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test.each([
  ["nothing", 0],
  ["one byte", 1],
  ["some of it", 5],
])("R1: a write that takes %s is continued when the socket drains", async (_case, taken) => {
  const { socket, link } = make();
  socket.takes.push(taken);
  link.send(frameOf(1, 9));
  await turn();
  expect(socket.sent.byteLength).toBe(taken);
  link.send(frameOf(2, 2));
  await turn();
  expect(socket.sent.byteLength).toBe(taken);
  link.drained();

  expect(hexOf(socket.sent)).toBe(`${"01".repeat(9)}0202`);
});

test("R1: whatever each write takes, every byte goes out once and in order", async () => {
  await withChance(async (chance) => {
    for (let round = 0; round < 30; round += 1) {
      const { socket, link } = make();
      const frames = Array.from({ length: 20 }, () =>
        chance.bytes(chance.pick([1, 20, 3000, 40_000])),
      );
      socket.takes.push(...Array.from({ length: 200 }, () => chance.pick([0, 1, 7, 2000, 90_000])));
      for (const frame of frames) {
        link.send(frame);
        if (chance.percent(50)) await turn();
        if (chance.percent(50)) link.drained();
      }
      for (let drains = 0; drains < 300; drains += 1) link.drained();

      expect(hexOf(socket.sent)).toBe(hexOf(joined(frames)));
    }
  });
});

test("control goes before content that waits, and behind a frame that has begun", async () => {
  const { socket, link } = make();
  socket.takes.push(10);
  const first = link.sendContent(frameOf(1, LARGE));
  const second = link.sendContent(frameOf(2, LARGE));
  await turn();
  link.send(frameOf(3));
  link.drained();
  await Promise.all([first, second]);

  expect(marksOf(socket)).toEqual([1, 3, 2]);
});

test("content goes out in the order in which transfers offer it, so none starves", async () => {
  const { socket, link } = make();
  socket.room = 0;
  // Each transfer offers its next frame when the one before is out.
  const transfer = async (mark: number) => {
    for (let count = 0; count < 5; count += 1) await link.sendContent(frameOf(mark, LARGE));
  };
  const all = Promise.all([transfer(1), transfer(2), transfer(3)]);
  for (let frame = 0; frame < 15; frame += 1) {
    socket.takes.push(LARGE);
    link.drained();
    await turn();
  }
  await all;

  expect(marksOf(socket)).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
});

test("a content frame is lent until its promise settles, and that is when its last byte is taken", async () => {
  const { socket, link } = make();
  socket.takes.push(LARGE - 1);
  const sending = link.sendContent(frameOf(1, LARGE));
  expect(await outcomeOf(sending)).toBe("waits");
  link.drained();

  expect(await outcomeOf(sending)).toBe("sent");
});

test("what is joined is copied, so small content may be overwritten once it is sent", async () => {
  const { socket, link } = make();
  const content = frameOf(1);
  link.send(frameOf(9));
  await link.sendContent(content);
  content.fill(7);

  expect(hexOf(socket.sent)).toBe("0909090901010101");
});

test("finish sends what is queued, then FIN, and closes only after the peer's", async () => {
  const { socket, link } = make();
  socket.takes.push(3);
  link.send(frameOf(1, 8));
  const sending = link.sendContent(frameOf(2, LARGE));
  link.finish();
  expect(socket.calls).toEqual([]);
  link.drained();
  await sending;
  expect(socket.calls).toEqual(["shutdown"]);
  expect(socket.sent.byteLength).toBe(8 + LARGE);
  link.peerFinished();

  expect(socket.calls).toEqual(["shutdown", "end"]);
  link.closed();
});

test("R2: finish with nothing queued sends FIN at once, and never closes by itself", async () => {
  const { socket, link } = make();
  link.finish();
  await turn();

  expect(socket.calls).toEqual(["shutdown"]);
  link.closed();
});

test("a peer that finishes first gets what is queued, then our FIN, then the close", () => {
  const { socket, link } = make();
  link.send(frameOf(1, 8));
  link.peerFinished();

  expect(socket.sent.byteLength).toBe(8);
  expect(socket.calls).toEqual(["shutdown", "end"]);
  link.closed();
});

test("R3: a peer that finishes while it does not drain is closed when it has drained", () => {
  const { socket, link } = make();
  socket.takes.push(3, 2);
  link.send(frameOf(1, 8));
  link.peerFinished();
  link.drained();
  expect(socket.calls).toEqual([]);
  link.drained();

  expect(socket.sent.byteLength).toBe(8);
  expect(socket.calls).toEqual(["shutdown", "end"]);
  link.closed();
});

test("R3: a peer's FIN while we are finishing is not forgotten", () => {
  const { socket, link } = make();
  socket.takes.push(0);
  link.send(frameOf(1));
  link.finish();
  link.peerFinished();
  expect(socket.calls).toEqual([]);
  link.drained();

  expect(socket.calls).toEqual(["shutdown", "end"]);
  link.closed();
});

test("R4: a peer that does not answer our FIN is cut off at the deadline", () => {
  jest.useFakeTimers();
  const { socket, link } = make(30);
  link.finish();
  jest.advanceTimersByTime(29);
  expect(socket.calls).toEqual(["shutdown"]);
  jest.advanceTimersByTime(1);

  expect(socket.calls).toEqual(["shutdown", "terminate"]);
});

test("R4: a peer that takes nothing while we finish is cut off at the deadline", async () => {
  const { socket, link } = make(30);
  socket.takes.push(1);
  socket.room = 0;
  const sending = link.sendContent(frameOf(1, LARGE));
  link.finish();
  expect(await outcomeOf(sending)).toBe("waits");
  await Bun.sleep(60);

  expect(socket.calls).toEqual(["terminate"]);
  expect(await outcomeOf(sending)).toBe("CONNECTION_LOST");
});

test("R4: a slow peer that keeps taking is not cut off while we finish", () => {
  jest.useFakeTimers();
  const { socket, link } = make(50);
  socket.room = 10;
  link.send(frameOf(1, 60));
  link.finish();
  for (let drains = 0; drains < 5; drains += 1) {
    jest.advanceTimersByTime(20);
    link.drained();
  }

  expect(socket.calls).toEqual(["shutdown"]);
  expect(socket.sent.byteLength).toBe(60);
  link.closed();
});

test("terminate rejects all content that waits, and that which is on its way", async () => {
  const { socket, link } = make();
  socket.takes.push(5);
  const current = link.sendContent(frameOf(1, LARGE));
  const waiting = link.sendContent(frameOf(2, LARGE));
  await turn();
  link.terminate();
  const outcomes = await Promise.all([outcomeOf(current), outcomeOf(waiting)]);

  expect(outcomes).toEqual(["CONNECTION_LOST", "CONNECTION_LOST"]);
  expect(socket.calls).toEqual(["terminate"]);
});

test("a socket that says it is closed is terminated", async () => {
  const { socket, link } = make();
  socket.takes.push(-1);
  const sending = link.sendContent(frameOf(1));

  expect(await outcomeOf(sending)).toBe("CONNECTION_LOST");
  expect(socket.calls).toEqual(["terminate"]);
  expect(link.isOpen).toBeFalse();
});

test.each(["finish", "terminate", "closed", "peerFinished"] as const)(
  "nothing is sent after %s",
  async (how) => {
    const { socket, link } = make();
    link[how]();
    const { calls } = socket;
    const before = [...calls];
    link.send(frameOf(1));
    link.drained();
    link.finish();
    await turn();

    expect(link.sendContent(frameOf(2))).rejects.toThrow(refusal("CONNECTION_LOST"));
    expect(link.isOpen).toBeFalse();
    expect(socket.sent).toEqual(bytes(""));
    expect(calls).toEqual(before);
    link.closed();
  },
);

test("closing twice does everything once", () => {
  const { socket, link } = make();
  link.terminate();
  link.terminate();
  link.closed();
  link.peerFinished();

  expect(socket.calls).toEqual(["terminate"]);
});

test("D3: reading stops above the bound for replies, and goes on at half of it", async () => {
  const { socket, link } = make();
  const frame = frameOf(1, REPLY_QUEUE_BYTES_MAX / 8 - HELD_BYTES_EACH);
  socket.room = 0;
  for (let count = 0; count < 8; count += 1) link.send(frame);
  expect([link.isPaused, socket.calls]).toEqual([false, []]);
  link.send(frameOf(2));
  expect([link.isPaused, socket.calls]).toEqual([true, ["pause"]]);
  link.send(frame);
  await turn();
  socket.takes.push(...Array.from({ length: 4 }, () => frame.byteLength), 0);
  link.drained();
  expect(socket.calls).toEqual(["pause"]);
  socket.takes.push(frame.byteLength, frame.byteLength, 0);
  link.drained();

  expect([link.isPaused, socket.calls]).toEqual([false, ["pause", "resume"]]);
});

test("R6: a link that finishes reads on, or it would not see the peer's end", () => {
  const { socket, link } = make();
  socket.room = 0;
  for (const mark of [1, 2, 3]) link.send(frameOf(mark, REPLY_QUEUE_BYTES_MAX / 2 + 1));
  link.finish();

  expect(socket.calls).toEqual(["pause", "resume"]);
  link.closed();
});
