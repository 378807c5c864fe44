/**
 * What comes before trust: bytes in front of and beside a TLS handshake, other versions, other
 * protocols, and what a client gives away to a server that it does not trust.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { constants } from "node:crypto";
import { readdir } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { parsePath } from "../../src/base/path.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import { TABLE } from "../../src/commands/table.ts";
import { openIdentity } from "../../src/doors/identity.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { encodeBody } from "../../src/wire/shape.ts";
import { exportBinding, TLS_OPTIONS } from "../../src/wire/tls.ts";
import { outcomeOf } from "../support/refusal.ts";
import { Scene } from "./binary.ts";
import type { Ran, Server } from "./binary.ts";
import { ENCRYPTED, HANDSHAKE, recordsIn, Tap } from "./tap.ts";
import { greeted, signedIn } from "./wire.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };
function hello(client: string): Uint8Array {
  return encodeFrame(
    TABLE.hello.code,
    0,
    1,
    encodeBody(TABLE.hello.request, { client, features: [] }),
  );
}

const HELLO = hello("injected");
const HTTP = Buffer.from("GET /reflected HTTP/1.1\r\nHost: x\r\n\r\n");

/** What an encrypted Finished of SHA-256 and of SHA-384 takes, and an alert (RFC 8446, 5.2). */
const FINISHED_BYTES = [53, 69];
const ALERT_BYTES = 19;

let scene: Scene;
let server: Server;
let plainPort: number;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve("--plain", "127.0.0.1:0");
  plainPort = Number((await server.event("listening-plain"))["port"]);
});

afterAll(() => scene.end());

/** Programs that said hello and were believed. */
function greetingCount(): number {
  return server.events.filter(({ event, client }) => event === "session" && client === "injected")
    .length;
}

/** All that comes back from a port to these bytes, until it closes. */
async function answerOf(port: number, bytes: Uint8Array): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connectTcp({ port, host: "127.0.0.1" }, () => void socket.write(bytes));
  socket.on("data", (piece: Buffer) => void pieces.push(piece));
  socket.on("error", () => resolve());
  socket.on("close", () => resolve());
  await promise;
  return Buffer.concat(pieces);
}

interface Shaken {
  readonly alpn: string | false | null;
  readonly failure: string;
  readonly answer: Buffer;
}

/** A handshake with another client, these bytes behind it, and all that comes back. */
async function shake(protocols: string[], bytes: Uint8Array): Promise<Shaken> {
  const { promise, resolve } = Promise.withResolvers<Shaken>();
  const pieces: Buffer[] = [];
  let failure = "";
  const about = { host: "127.0.0.1", port: server.port, rejectUnauthorized: false };
  const socket = connectTls({ ...about, ALPNProtocols: protocols }, () => void socket.write(bytes));
  socket.on("data", (piece: Buffer) => void pieces.push(piece));
  socket.on("error", (error: Error & { code?: string }) => {
    failure = `${error.code ?? ""} ${error.message}`;
  });
  socket.on("close", () =>
    resolve({ alpn: socket.alpnProtocol, failure, answer: Buffer.concat(pieces) }),
  );
  return await promise;
}

async function openssl(input: Uint8Array, ...options: string[]): Promise<string> {
  const words = ["openssl", "s_client", "-connect", `127.0.0.1:${server.port}`, ...options];
  const child = Bun.spawn(words, {
    stdin: new Blob([new Uint8Array(input)]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
  return (await Promise.all(texts)).join("");
}

/** A client that tries once. */
async function tryThrough(tap: Tap, ...options: string[]): Promise<Ran> {
  const target = server.target("ann", "/", tap.port);
  return await scene.run(["quota", target, "--retries", "0", ...options], PASSWORD);
}

test("T1: a frame in front of the ClientHello ends the connection and is not answered", async () => {
  const tap = await Tap.open(server.port, {
    toServer: { first: (flight) => Buffer.concat([HELLO, flight]) },
  });
  const { status } = await tryThrough(tap);
  tap.close();

  expect([69, 76]).toContain(status);
  expect(recordsIn(tap.toClient).map(({ type }) => type)).not.toContain(HANDSHAKE);
  expect(tap.toClient.byteLength).toBeLessThan(16);
  expect(greetingCount()).toBe(0);
});

test("T1: a frame in the segment of the ClientHello is never read", async () => {
  const tap = await Tap.open(server.port, {
    toServer: { first: (flight) => Buffer.concat([flight, HELLO]) },
  });
  const { status } = await tryThrough(tap);
  tap.close();

  expect([69, 75, 76]).toContain(status);
  expect(greetingCount()).toBe(0);
});

test.each([
  ["in front of", (flight: Buffer) => Buffer.concat([HELLO, flight])],
  ["behind", (flight: Buffer) => Buffer.concat([flight, HELLO])],
])("T1: a frame %s a server's first flight is never read by the client", async (_place, first) => {
  const tap = await Tap.open(server.port, { toClient: { first } });
  const { status, stdout } = await tryThrough(tap, "--json");
  tap.close();

  expect([69, 75, 76]).toContain(status);
  expect(stdout).not.toContain("usedBytes");
});

test("T1: TLS on the plain port and plain frames on the TLS port are told apart and closed", async () => {
  const plain = await scene.run(
    ["quota", `ftpx://ann@127.0.0.1:${server.port}/`, "--plain", "--retries", "0"],
    PASSWORD,
  );
  const tls = await scene.run(
    ["quota", server.target("ann", "/", plainPort), "--retries", "0"],
    PASSWORD,
  );
  const raw = await answerOf(server.port, HELLO);

  expect(plain).toEqual({
    status: 76,
    stdout: "",
    stderr:
      `ftpx: 127.0.0.1:${server.port} is not an ftpx server: it speaks TLS\n` +
      "hint: leave out --plain\n",
  });
  expect(tls.status).toBe(76);
  expect(tls.stderr).toContain("is not an ftpx server");
  // An alert at most: nothing of what was sent, nothing of the protocol.
  expect(raw.byteLength).toBeLessThan(16);
  expect(greetingCount()).toBe(0);
});

test("T1: what is sent with the sign-in is done with the rights of before", async () => {
  const client = await greeted(server);
  // One segment: the frames are joined until this turn ends.
  const early = client.start("makeDir", { path: parsePath("/early"), withParents: false });
  const refused = outcomeOf(early.reply);
  await client.signIn("ann", new DerivedKeys(() => "pw"));

  expect(await refused).toBe("NOT_SIGNED_IN");
  expect(await readdir(`${scene.data}/storage/ann`)).not.toContain("early");
  client.close();
});

test.each(["-tls1_2", "-tls1_1", "-tls1"])(
  "T2: %s gets alert 70, whatever else it offers",
  async (version) => {
    const weak = await openssl(HELLO, "-alpn", "ftpx/1", version, "-cipher", "ALL:@SECLEVEL=0");

    expect(weak).toContain("alert number 70");
    expect(weak).not.toContain("ALPN protocol: ftpx/1");
    expect(greetingCount()).toBe(0);
  },
);

test("T2: there is nothing to resume and no early data", async () => {
  const words = ["openssl", "s_client", "-connect", `127.0.0.1:${server.port}`];
  const options = ["-alpn", "ftpx/1", "-tls1_3", "-msg"];
  const child = Bun.spawn([...words, ...options], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  void child.stdin.write(hello("resuming"));
  await child.stdin.flush();
  let output = "";
  for await (const bytes of child.stdout) {
    output += Buffer.from(bytes).toString("latin1");
    // Tickets would come in front of the first answer, which names the software.
    if (output.includes("ftpx 0.")) break;
  }
  child.kill();

  expect(output).toContain("ALPN protocol: ftpx/1");
  expect(output).toContain("EncryptedExtensions");
  expect(output).not.toContain("NewSessionTicket");
});

test.each([
  ["h2", ["h2"]],
  ["http/1.1", ["http/1.1"]],
  ["ftp and our name in other letters", ["ftp", "FTPX/1"]],
])("T4: ALPN %s is refused by alert 120", async (_name, protocols) => {
  const { alpn, failure, answer } = await shake(protocols, HTTP);

  expect(failure.toLowerCase()).toContain("no_application_protocol");
  expect([false, null, undefined]).toContain(alpn as false | null);
  expect(answer.byteLength).toBe(0);
});

test("T4: a client without ALPN is closed and hears nothing, whatever it sends", async () => {
  for (const bytes of [HTTP, HELLO]) {
    const { answer } = await shake([], bytes);
    expect(answer.byteLength).toBe(0);
  }
  expect(greetingCount()).toBe(0);
});

test("T4: of HTTP nothing is reflected: over TLS with our ALPN, in plain, on either port", async () => {
  const over = await shake(["ftpx/1"], HTTP);
  const answers = [over.answer, await answerOf(server.port, HTTP), await answerOf(plainPort, HTTP)];

  expect(over.alpn).toBe("ftpx/1");
  for (const answer of answers) {
    expect(answer.byteLength).toBeLessThan(64);
    expect(answer.toString("latin1")).not.toMatch(/reflected|HTTP|GET|Host/);
  }
});

test("T4: a server that takes our ALPN for another one, or for none, is no ftpx server", async () => {
  const { keyPem, certificatePem, fingerprint } = await openIdentity(scene.folder);
  for (const ALPNProtocols of [undefined, "\u0002h2"]) {
    const heard: Uint8Array[] = [];
    const tls = { minVersion: 0x0304, key: keyPem, cert: certificatePem, ALPNProtocols };
    const socket = { data: (_peer: unknown, bytes: Uint8Array) => void heard.push(bytes) };
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, tls, socket } as never);
    const target = `ftpx://ann@127.0.0.1:${listener.port}/#${fingerprint}`;
    const { status } = await scene.run(["quota", target, "--retries", "0"], PASSWORD);
    listener.stop(true);

    expect(status).toBe(76);
    expect(heard).toEqual([]);
  }
});

test("T3, R11: the capture of a refused key holds a handshake and nothing of the protocol", async () => {
  const tap = await Tap.open(server.port);
  const wrong = `ftpx://ann@127.0.0.1:${tap.port}/#sha256:${"A".repeat(43)}`;
  const refused = await scene.run(["quota", wrong, "--retries", "0"], PASSWORD);
  const captured = recordsIn(tap.toServer);
  const right = server.target("ann", "/", tap.port);
  const home = { env: { ...PASSWORD.env, FTPX_HOME: scene.path("fresh") } };
  const taken = await scene.run(["quota", right, "--retries", "0"], home);
  const control = recordsIn(tap.toServer);
  tap.close();

  expect([refused.status, taken.status]).toEqual([77, 0]);
  const encrypted = captured.filter(({ type }) => type === ENCRYPTED);
  for (const { bytes } of encrypted) expect([...FINISHED_BYTES, ALERT_BYTES]).toContain(bytes);
  expect(encrypted.length).toBeLessThanOrEqual(2);
  // The same capture of a session shows that it would be seen.
  expect(control.filter(({ type }) => type === ENCRYPTED).length).toBeGreaterThan(4);
});

test("R11: a server that never ends its handshake gets a ClientHello, and is left after 15 s", async () => {
  const tap = await Tap.open(server.port, {
    toClient: { first: (flight) => flight.subarray(0, 100) },
  });
  const { status, stderr } = await tryThrough(tap);
  const types = recordsIn(tap.toServer).map(({ type }) => type);
  tap.close();

  expect(status).toBe(69);
  expect(stderr).toContain("no TLS answer in 15 s");
  expect(types).toEqual([HANDSHAKE]);
});

test("two ftpx agree on a hybrid key exchange, which a later computer does not open", async () => {
  const tap = await Tap.open(server.port);
  const target = server.target("ann", "/", tap.port);
  const { status } = await scene.run(["quota", target, "--retries", "0"], PASSWORD);
  const serverHello = tap.toClient.toString("hex", 5, 2000);
  tap.close();

  expect(status).toBe(0);
  // Extension key_share with a group and its 1,120 bytes (draft-ietf-tls-ecdhe-mlkem).
  expect(serverHello).toContain("0033046411ec0460");
});

function noted(list: string[]): (peer: object) => void {
  return (peer) => void list.push(Buffer.from(exportBinding(peer)).toString("hex"));
}

test("R13: both ends have the same binding, and each connection its own", async () => {
  const { keyPem, certificatePem } = await openIdentity(scene.folder);
  const ofServer: string[] = [];
  const ofClient: string[] = [];
  const tls = { ...TLS_OPTIONS, key: keyPem, cert: certificatePem };
  const serving = { data: () => {}, handshake: noted(ofServer) };
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, tls, socket: serving } as never);
  for (const count of [1, 2]) {
    const shaken = Promise.withResolvers<void>();
    const handshake = (peer: object) => {
      noted(ofClient)(peer);
      shaken.resolve();
    };
    const asking = { data: () => {}, handshake };
    const options = { ...TLS_OPTIONS, rejectUnauthorized: false };
    const about = { hostname: "127.0.0.1", port: listener.port, tls: options, socket: asking };
    const peer = await Bun.connect(about as never);
    await shaken.promise;
    while (ofServer.length < count) await Bun.sleep(1);
    peer.terminate();
  }
  listener.stop(true);

  expect(ofServer).toEqual(ofClient);
  expect(new Set(ofServer).size).toBe(2);
  expect(constants.SSL_OP_NO_TICKET).toBe(TLS_OPTIONS.secureOptions);
});

test("the server is as it was", async () => {
  const client = await signedIn(server);
  const { usedFiles } = await client.call("quota", {});
  client.close();

  expect(usedFiles).toBe(0);
});
