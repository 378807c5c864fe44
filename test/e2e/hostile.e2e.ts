/** Peers that do not play by the rules, on the real port of the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { parsePath } from "../../src/base/path.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import type { Client } from "../../src/client/client.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { CommandName } from "../../src/commands/table.ts";
import { decodeError, encodeFrame, FLAG_ERROR } from "../../src/wire/frame.ts";
import { encodeBody } from "../../src/wire/shape.ts";
import { TLS_OPTIONS } from "../../src/wire/tls.ts";
import { freshAddress, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { greeted, openWatched, sendPiece, signedIn } from "./wire.ts";
import { outcomeOf } from "../support/refusal.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterAll(() => scene.end());

/** Everything the server sends back to these bytes, until it closes or 1.5 s have passed. */
async function answerTo(bytes: Uint8Array): Promise<{ bytes: Uint8Array; isClosed: boolean }> {
  const pieces: Uint8Array[] = [];
  const ended = Promise.withResolvers<boolean>();
  const socket = {
    handshake: (peer: { write(data: Uint8Array): number }) => void peer.write(bytes),
    data: (_peer: unknown, piece: Uint8Array) => void pieces.push(piece),
    close: () => ended.resolve(true),
  };
  const tls = { ...TLS_OPTIONS, rejectUnauthorized: false };
  const options = { hostname: "127.0.0.1", port: server.port, tls, socket };
  const open = await Bun.connect(options as never);
  const isClosed = await Promise.race([ended.promise, Bun.sleep(1500).then(() => false)]);
  open.terminate();
  return { bytes: Buffer.concat(pieces), isClosed };
}

interface Answer {
  readonly id: number;
  readonly error: string | undefined;
}

function framesIn(bytes: Uint8Array): Answer[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const answers: Answer[] = [];
  for (let at = 0; at < bytes.byteLength; at += 12 + view.getUint32(at + 8)) {
    const isError = (view.getUint16(at + 2) & FLAG_ERROR) !== 0;
    const body = bytes.subarray(at + 12, at + 12 + view.getUint32(at + 8));
    answers.push({
      id: view.getUint32(at + 4),
      error: isError ? decodeError(body).kind : undefined,
    });
  }
  return answers;
}

/** The error in the first frame of an answer. */
function errorIn(bytes: Uint8Array): string | undefined {
  return framesIn(bytes)[0]?.error;
}

async function demandAlive(): Promise<void> {
  const client = await signedIn(server);
  const { usedBytes } = await client.call("quota", {});
  expect(usedBytes).toBe(0);
  expect(await readdir(`${scene.data}/storage/ann`)).toEqual([]);
  client.close();
}

const HEADER = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

test.each([
  ["a frame of another version", "02 01 0000 00000001 00000000", "WRONG_VERSION"],
  ["a flag nobody has defined", "01 01 8000 00000001 00000000", "BAD_FRAME"],
  ["D1: a length of 4 GiB", "01 01 0000 00000001 ffffffff", "BODY_TOO_LARGE"],
  ["a body over the stranger's bound", "01 01 0000 00000001 00001001", "BODY_TOO_LARGE"],
  ["a reply to nothing", "01 01 0001 00000001 00000000", "BAD_FRAME"],
  ["D7: content without content", "01 40 0000 00000001 00000008 0000000000000000", "BAD_FRAME"],
  ["content before sign-in", "01 40 0000 00000001 00000009 0000000000000000 00", "BAD_FRAME"],
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n").toString("hex"), "WRONG_VERSION"],
])("%s is answered with a typed error and closed", async (_case, hex, kind) => {
  const { bytes, isClosed } = await answerTo(HEADER(hex));

  expect(errorIn(bytes)).toBe(kind);
  expect(isClosed).toBe(true);
  await demandAlive();
});

test("A8: every command but sign-in is refused before sign-in, and the second one closes", async () => {
  for (const name of Object.keys(TABLE) as CommandName[]) {
    const { needs, code } = TABLE[name];
    if (needs === "nothing" || needs === "hello") continue;
    const client = await greeted(server);
    const { connection } = client;
    connection.send(code, 0, 90, new Uint8Array(0));
    connection.send(code, 0, 91, new Uint8Array(0));
    const kind = await outcomeOf(client.call("scramFirst", { message: "x" }));
    expect([name, kind]).toEqual([name, "NOT_SIGNED_IN"]);
  }
  await demandAlive();
});

test("an unknown command is answered, and the session goes on", async () => {
  const hello = encodeBody(TABLE.hello.request, { client: "test", features: [] });
  const frames = [
    encodeFrame(TABLE.hello.code, 0, 1, hello),
    encodeFrame(0x7f, 0, 2, new Uint8Array(5)),
    encodeFrame(TABLE.scramFirst.code, 0, 3, Uint8Array.of(0, 1, 0x78)),
  ];
  const { bytes } = await answerTo(Buffer.concat(frames));

  expect(framesIn(bytes).toSorted((a, b) => a.id - b.id)).toEqual([
    { id: 1, error: undefined },
    { id: 2, error: "UNKNOWN_COMMAND" },
    { id: 3, error: "SIGN_IN_REFUSED" },
  ]);
});

test("I7: offsets out of range are refused", async () => {
  const client = await signedIn(server);
  for (const offset of [2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const path = parsePath("/none");
    const request = {
      path,
      algorithm: "sha256",
      fromOffset: offset,
      version: undefined,
      windowBytes: 1,
    } as const;
    expect(["NO_SUCH_PATH", "OUT_OF_RANGE"]).toContain(
      await outcomeOf(client.call("openDownload", request)),
    );
  }
  client.close();
});

interface Opened {
  readonly client: Client;
  readonly id: number;
  readonly failure: Promise<string>;
}

async function openUpload(totalBytes: number): Promise<Opened> {
  const client = await signedIn(server);
  const { id, reply, failed } = openWatched(client, "/f", totalBytes);
  await reply;
  return { client, id, failure: failed };
}

const send = (client: Client, id: number, offset: number, bytes: number) =>
  sendPiece(client, id, offset, new Uint8Array(bytes));

async function discard({ client, id }: Opened): Promise<void> {
  await client.call("closeTransfer", { transfer: id, isDiscarded: true }).catch(() => {});
  client.close();
  // A part whose transfer had failed already is forgotten by a fresh upload of nothing.
  const again = await openUpload(0);
  await again.client.call("closeTransfer", { transfer: again.id, isDiscarded: true });
  again.client.close();
}

test("content at a wrong offset ends the transfer, not the session", async () => {
  const opened = await openUpload(1000);
  await send(opened.client, opened.id, 10, 5);

  expect(await opened.failure).toBe("WRONG_OFFSET");
  expect(await outcomeOf(opened.client.call("quota", {}))).toBe("none");
  await discard(opened);
  await demandAlive();
});

test("Q3: more content than declared is refused", async () => {
  const opened = await openUpload(100);
  await send(opened.client, opened.id, 0, 101);

  expect(await opened.failure).toBe("SIZE_MISMATCH");
  await discard(opened);
  await demandAlive();
});

const COMMIT = { totalBytes: 100, digest: new Uint8Array(32), chunks: 1 };

test("Q3: a commit before all content came is refused, and nothing is published", async () => {
  const opened = await openUpload(100);
  await send(opened.client, opened.id, 0, 50);
  const { client, id } = opened;

  expect(await outcomeOf(client.call("commit", { transfer: id, ...COMMIT }))).toBe("SIZE_MISMATCH");
  await discard(opened);
  await demandAlive();
});

test("a commit with another digest is refused, and nothing is published or reserved", async () => {
  const { client, id } = await openUpload(100);
  await send(client, id, 0, 100);

  expect(await outcomeOf(client.call("commit", { transfer: id, ...COMMIT }))).toBe(
    "DIGEST_MISMATCH",
  );
  const { reservedBytes } = await client.call("quota", {});
  expect(reservedBytes).toBe(0);
  client.close();
  await demandAlive();
});

test("a commit with another size is refused", async () => {
  const opened = await openUpload(100);
  const { client, id } = opened;
  await send(client, id, 0, 100);

  const commit = { transfer: id, ...COMMIT, totalBytes: 99 };
  expect(await outcomeOf(client.call("commit", commit))).toBe("SIZE_MISMATCH");
  await discard(opened);
  await demandAlive();
});

test("a commit of a transfer that is not open is refused", async () => {
  const client = await signedIn(server);

  expect(await outcomeOf(client.call("commit", { transfer: 7, ...COMMIT }))).toBe(
    "NO_SUCH_TRANSFER",
  );
  client.close();
});

test("F3: a second session cannot upload to the same path meanwhile", async () => {
  const opened = await openUpload(100);

  expect(await outcomeOf(openUpload(100))).toBe("UPLOAD_BUSY");
  await discard(opened);
});

test("content for a transfer that was never opened ends the connection", async () => {
  const client = await signedIn(server);
  await send(client, 99, 0, 10);

  expect(await outcomeOf(client.call("quota", {}))).toBe("BAD_FRAME");
  await demandAlive();
});

test("request ids that do not grow end the connection", async () => {
  const client = await signedIn(server);
  client.connection.send(TABLE.quota.code, 0, 1, new Uint8Array(0));

  expect(await outcomeOf(client.call("quota", {}))).toBe("BAD_FRAME");
});

test("P1, P10: paths that are none are refused, and the session goes on", async () => {
  const client = await signedIn(server);
  const cases: [string, string][] = [
    ["../x", "BAD_PATH"],
    ["/..", "OUTSIDE_HOME"],
    ["/a/../../x", "OUTSIDE_HOME"],
    ["/a\0b", "BAD_PATH"],
    [`/${"n".repeat(256)}`, "NAME_TOO_LONG"],
    [`/${"é".repeat(128)}`, "NAME_TOO_LONG"],
    ["/d".repeat(2048), "NAME_TOO_LONG"],
    ["", "BAD_PATH"],
  ];
  for (const [path, kind] of cases) {
    expect([path, await outcomeOf(client.call("stat", { path: path as never }))]).toEqual([
      path,
      kind,
    ]);
  }
  expect(await outcomeOf(client.call("stat", { path: parsePath("/d".repeat(2000)) }))).toBe(
    "NO_SUCH_PATH",
  );
  expect(await outcomeOf(client.call("quota", {}))).toBe("none");
  client.close();
});

test("the operator's commands are refused to users", async () => {
  const client = await signedIn(server);

  expect(await outcomeOf(client.call("usages", { after: "" }))).toBe("FORBIDDEN");
  expect(await outcomeOf(client.call("purge", { user: "ann" }))).toBe("FORBIDDEN");
  client.close();
});

test("A10: sign-in messages that are bent are refused with one and the same error", async () => {
  const client = await greeted(server, freshAddress());
  for (const message of [
    "n,,n=ann,r=abcdefghijklmnopqrstuvwx",
    "p=tls-unique,,n=ann,r=abcdefghijklmnopqrstuvwx",
  ]) {
    expect(await outcomeOf(client.call("scramFirst", { message }))).toBe("SIGN_IN_REFUSED");
  }
  client.close();
});

test("the fourth sign-in on one connection ends it", async () => {
  const client = await greeted(server, freshAddress());
  const kinds: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    kinds.push(await outcomeOf(client.signIn("ann", new DerivedKeys(() => "wrong"))));
  }

  expect(kinds).toEqual(["SIGN_IN_REFUSED", "SIGN_IN_REFUSED", "TOO_MANY_TRIES"]);
  expect(client.isOpen).toBe(false);
});

test("frames of garbage before sign-in leave the server alive", async () => {
  const frame = encodeFrame(TABLE.hello.code, 0, 1, new Uint8Array(100).fill(0xff));
  const { bytes } = await answerTo(frame);

  expect(errorIn(bytes)).toBe("BAD_BODY");
  await demandAlive();
});
