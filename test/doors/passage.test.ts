/** The operator's door over the loopback interface: who does not know the secret is nobody. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Socket } from "bun";
import { OPERATORS_WAITING_MAX } from "../../src/base/limits.ts";
import { behindSecret } from "../../src/doors/passage.ts";

const SECRET = Buffer.from("0123456789abcdef0123456789abcdef");

let heard: string[];
let listener: { readonly port: number; stop(isNow: boolean): void };
/** Settles with what was heard when that is so much. */
let wait: (count: number) => Promise<string[]>;

beforeEach(() => {
  heard = [];
  let wake: (() => void) | undefined;
  const note = (text: string) => {
    heard.push(text);
    wake?.();
  };
  wait = async (count) => {
    while (heard.length < count) await new Promise<void>((resolve) => void (wake = resolve));
    return heard;
  };
  const within = {
    open: () => note("open"),
    data: (_socket: unknown, bytes: Uint8Array) => note(Buffer.from(bytes).toString()),
    close: () => note("close"),
  };
  const socket = behindSecret<undefined>(SECRET, within);
  listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
});

afterEach(() => listener.stop(true));

interface Caller {
  readonly socket: Socket;
  readonly ended: Promise<void>;
}

async function call(): Promise<Caller> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const socket = { data() {}, close: () => resolve(), error: () => resolve() };
  const options = { hostname: "127.0.0.1", port: listener.port, socket };
  return { socket: await Bun.connect(options), ended };
}

test("nothing is heard before the secret, and all behind it", async () => {
  const { socket, ended } = await call();
  for (const byte of SECRET.subarray(0, -1)) socket.write(Buffer.of(byte));
  const other = await call();
  other.socket.write(Buffer.concat([SECRET, Buffer.from("frames")]));

  expect(await wait(2)).toEqual(["open", "frames"]);
  socket.write(SECRET.subarray(-1));
  expect(await wait(3)).toEqual(["open", "frames", "open"]);
  socket.end();
  await ended;
  expect(await wait(4)).toEqual(["open", "frames", "open", "close"]);
});

test.each([
  ["another secret", Buffer.alloc(SECRET.byteLength, "x")],
  ["one that is wrong at its end", Buffer.from("0123456789abcdef0123456789abcdeg")],
  ["a request of the web", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
])("%s is cut, and nobody within hears of it", async (_what, bytes) => {
  const { socket, ended } = await call();
  socket.write(bytes);

  await ended;
  expect(heard).toEqual([]);
});

test("strangers who wait are few, and hold nobody up who knows the secret", async () => {
  const strangers = await Promise.all(Array.from({ length: OPERATORS_WAITING_MAX }, call));
  const late = await call();
  await late.ended;
  strangers[0]?.socket.end();
  await strangers[0]?.ended;
  // Until its end was noticed there as well, there may be no room yet.
  while (heard.length === 0) {
    const { socket, ended } = await call();
    socket.write(SECRET);
    await Promise.race([ended, wait(1)]);
  }

  expect(heard).toContain("open");
  for (const { socket } of strangers) socket.terminate();
});
