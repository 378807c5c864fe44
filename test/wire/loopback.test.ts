/**
 * The Link over real sockets, plain TCP on the loopback: R1 to R4 and R7 of platform.md. The
 * same over TLS is in the tests of the doors.
 */
import { afterEach, expect, test } from "bun:test";
import type { Socket, SocketHandler, TCPSocketListener } from "bun";
import { Link } from "../../src/wire/link.ts";
import type { RawSocket } from "../../src/wire/link.ts";
import { Chance } from "../support/chance.ts";
import { descriptorCountOf } from "../support/process.ts";

const MIB = 1024 * 1024;
const HALF_OPEN = { allowHalfOpen: true };

type Served = (link: Link) => void;

interface Server {
  readonly port: number;
  /** Settles when the server's side of the one connection is closed. */
  readonly closed: Promise<void>;
  /** How often the socket told that it has room again. */
  drains: number;
}

interface Heard {
  readonly digest: string;
  readonly bytes: number;
  /** Whether the end came as a FIN, and not as a reset. */
  readonly isClean: boolean;
}

const open: { stop(force: boolean): void }[] = [];

afterEach(() => {
  for (const listener of open.splice(0)) listener.stop(true);
});

/** A server that gives each connection a Link, made over what `dress` makes of the socket. */
function serve(
  served: Served,
  dress: (socket: RawSocket) => RawSocket = (socket) => socket,
  closeMsMax?: number,
): Server {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket: SocketHandler<{ link: Link }> = {
    open(opened) {
      const link = new Link(dress(opened), closeMsMax);
      opened.data = { link };
      served(link);
    },
    data() {},
    drain(drained) {
      server.drains += 1;
      drained.data.link.drained();
    },
    end: (ended) => ended.data.link.peerFinished(),
    close(closed) {
      closed.data.link.closed();
      resolve();
    },
  };
  const options = { ...HALF_OPEN, hostname: "127.0.0.1", port: 0, socket };
  const listener: TCPSocketListener<{ link: Link }> = Bun.listen(options);
  open.push(listener);
  const server = { port: listener.port, closed: promise, drains: 0 };
  return server;
}

interface Reader {
  /** Called for every read; a number of milliseconds is a pause. */
  onRead?(): number;
  readonly pauseAtFirstMs?: number;
  /** A byte goes to the server this often. */
  readonly chatEveryMs?: number;
}

function pauseFor(ms: number, socket: Socket<unknown>): void {
  if (ms === 0) return;
  socket.pause();
  setTimeout(() => socket.resume(), ms);
}

/** Reads everything that comes from a port, and closes when the other side does. */
async function hear(port: number, reader: Reader = {}): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<Heard>();
  const hasher = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  let isClean = false;
  let chat: ReturnType<typeof setInterval> | undefined;
  const socket: SocketHandler = {
    open(opened) {
      pauseFor(reader.pauseAtFirstMs ?? 0, opened);
      if (reader.chatEveryMs === undefined) return;
      chat = setInterval(() => opened.write(Uint8Array.of(0), 0, 1), reader.chatEveryMs);
    },
    data(from, received) {
      hasher.update(received);
      bytes += received.byteLength;
      pauseFor(reader.onRead?.() ?? 0, from);
    },
    end(ended) {
      isClean = true;
      ended.end();
    },
    close() {
      clearInterval(chat);
      resolve({ digest: hasher.digest("hex"), bytes, isClean });
    },
  };
  const options = { ...HALF_OPEN, hostname: "127.0.0.1", port, socket };
  Bun.connect(options).catch(reject);
  return await promise;
}

function digestOf(frames: readonly Uint8Array[]): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const frame of frames) hasher.update(frame);
  return hasher.digest("hex");
}

/** Frames of 1 MiB that differ from one another. */
function framesOf(count: number): Uint8Array[] {
  const content = new Chance(count).bytes(MIB);
  return Array.from({ length: count }, (_hole, index) => {
    const frame = content.slice();
    frame[0] = index;
    return frame;
  });
}

test("R1: 48 MiB through a client that pauses now and then arrive whole", async () => {
  const frames = framesOf(48);
  const chance = new Chance(1);
  const server = serve((link) => {
    void Promise.all(frames.map((frame) => link.sendContent(frame))).then(() => link.finish());
  });
  const onRead = () => (chance.percent(5) ? chance.between(1, 2) : 0);
  const heard = await hear(server.port, { onRead });
  await server.closed;

  expect(heard).toEqual({ digest: digestOf(frames), bytes: 48 * MIB, isClean: true });
  expect(server.drains).toBeGreaterThan(0);
});

test("R2: 16 MiB sent and finished at once reach a client that reads late", async () => {
  const before = descriptorCountOf(process.pid);
  const frames = framesOf(16);
  const server = serve((link) => {
    for (const frame of frames) link.send(frame);
    link.finish();
  });
  const heard = await hear(server.port, { pauseAtFirstMs: 200 });
  await server.closed;
  for (const listener of open.splice(0)) listener.stop(true);
  await Bun.sleep(20);

  expect(heard).toEqual({ digest: digestOf(frames), bytes: 16 * MIB, isClean: true });
  expect(descriptorCountOf(process.pid)).toBeLessThanOrEqual(before);
});

const CHATTY = { onRead: () => 12, chatEveryMs: 10 };

test("R3: a slow peer that keeps talking gets all 8 MiB and a clean end", async () => {
  const frames = framesOf(8);
  const server = serve((link) => {
    for (const frame of frames) link.send(frame);
    link.finish();
  });
  const heard = await hear(server.port, CHATTY);
  await server.closed;

  expect(heard).toEqual({ digest: digestOf(frames), bytes: 8 * MIB, isClean: true });
});

test("R3 bites: with a bare close instead of FIN first, the same peer loses the tail", async () => {
  const frames = framesOf(8);
  const server = serve(
    (link) => {
      for (const frame of frames) link.send(frame);
      link.finish();
    },
    (socket) => ({
      write: (bytes, offset, length) => socket.write(bytes, offset, length),
      shutdown: () => socket.end(),
      end: () => socket.end(),
      terminate: () => socket.terminate(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      unref: () => socket.unref(),
    }),
  );
  const heard = await hear(server.port, CHATTY);

  expect(heard.bytes).toBeLessThan(8 * MIB);
});

test("R4: a peer that never closes its side is cut off, and the descriptor is gone", async () => {
  const before = descriptorCountOf(process.pid);
  const server = serve((link) => link.finish(), undefined, 100);
  const beganMs = performance.now();
  const isReset = Promise.withResolvers<void>();
  const socket: SocketHandler = { data() {}, end() {}, close: () => isReset.resolve() };
  await Bun.connect({ ...HALF_OPEN, hostname: "127.0.0.1", port: server.port, socket } as never);
  await Promise.all([server.closed, isReset.promise]);
  const elapsedMs = performance.now() - beganMs;
  for (const listener of open.splice(0)) listener.stop(true);
  await Bun.sleep(20);

  expect(elapsedMs).toBeGreaterThan(80);
  expect(elapsedMs).toBeLessThan(2000);
  expect(descriptorCountOf(process.pid)).toBeLessThanOrEqual(before);
});

test("a peer that finishes first still gets everything that is queued", async () => {
  const frames = framesOf(16);
  const digest = digestOf(frames);
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = serve((link) => {
    for (const frame of frames) link.send(frame);
  });
  const hasher = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  const socket: SocketHandler = {
    // Half-closed from the beginning: our FIN says nothing about what we still read.
    open: (opened) => opened.shutdown(),
    data(_from, received) {
      hasher.update(received);
      bytes += received.byteLength;
    },
    end: (ended) => void ended.end(),
    close: () => resolve(bytes),
  };
  await Bun.connect({ ...HALF_OPEN, hostname: "127.0.0.1", port: server.port, socket } as never);

  expect(await promise).toBe(16 * MIB);
  expect(hasher.digest("hex")).toBe(digest);
  await server.closed;
});
