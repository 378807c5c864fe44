/**
 * Servers that are not what they say, against the compiled client: whatever they try, the
 * client says "not genuine" and sends nothing that would help them.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Socket, TCPSocketListener } from "bun";
import { openIdentity } from "../../src/doors/identity.ts";
import type { Identity } from "../../src/doors/identity.ts";
import { TABLE } from "../../src/commands/table.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import { encodeFrame, FLAG_REPLY } from "../../src/wire/frame.ts";
import type { Header } from "../../src/wire/frame.ts";
import { decodeBody, encodeBody } from "../../src/wire/shape.ts";
import { TLS_OPTIONS } from "../../src/wire/tls.ts";
import { Scene } from "./binary.ts";

let scene: Scene;
let identity: Identity;

beforeAll(async () => {
  scene = await Scene.begin();
  identity = await openIdentity(scene.folder);
});

afterAll(() => scene.end());

type Answers = (command: number, message: string) => string | undefined;

/** A server that greets properly and then answers sign-in messages as it is told. */
class FakeServer {
  readonly listener: TCPSocketListener<Deframer>;
  /** Commands that came, by code. */
  readonly heard: number[] = [];

  constructor(answers: Answers) {
    const tls = { ...TLS_OPTIONS, key: identity.keyPem, cert: identity.certificatePem };
    const socket = {
      open: (peer: Socket<Deframer>) => {
        const frame = (header: Header, body: Uint8Array) =>
          this.#answer(peer, header, body, answers);
        peer.data = new Deframer({ frame, content: () => {} }, 4096);
      },
      data: (peer: Socket<Deframer>, bytes: Uint8Array) => peer.data.push(bytes),
    };
    const options = { hostname: "127.0.0.1", port: 0, tls, socket };
    this.listener = Bun.listen<Deframer>(options as never);
  }

  get target(): string {
    return `ftpx://ann@127.0.0.1:${this.listener.port}/#${identity.fingerprint}`;
  }

  #answer(peer: Socket<Deframer>, header: Header, body: Uint8Array, answers: Answers): void {
    this.heard.push(header.command);
    const reply = (command: number, bytes: Uint8Array) => {
      const frame = encodeFrame(command, FLAG_REPLY, header.requestId, bytes);
      peer.write(frame, 0, frame.byteLength);
    };
    if (header.command === TABLE.hello.code) {
      const greeting = {
        server: "fake",
        features: [],
        bodyBytesMax: 4096,
        requestsMax: 9,
        transfersMax: 9,
      };
      reply(header.command, encodeBody(TABLE.hello.reply, greeting));
      return;
    }
    const { message } = decodeBody(TABLE.scramFirst.request, body);
    const answer = answers(header.command, message);
    if (answer !== undefined) {
      reply(header.command, encodeBody(TABLE.scramFirst.reply, { message: answer }));
    }
  }
}

const SALT = Buffer.alloc(16, 7).toString("base64");

const nonceIn = (clientFirst: string) => /r=([^,]*)/.exec(clientFirst)?.[1] ?? "";

/** A first answer that is right in all but what is given. */
const challenge = (
  clientFirst: string,
  iterations = "19456:2:1",
  nonce = `${nonceIn(clientFirst)}abcdefghijklmnop`,
) => `r=${nonce},s=${SALT},i=${iterations}`;

async function signInTo(answers: Answers) {
  const server = new FakeServer(answers);
  const ran = await scene.run(["quota", server.target], { env: { FTPX_PASSWORD: "the password" } });
  server.listener.stop(true);
  return { ...ran, heard: server.heard };
}

test.each([
  ["m = 8 KiB, t = 1", "8:1:1"],
  ["m = 4 GiB", "4194304:2:1"],
  ["t = 1000", "19456:1000:1"],
  ["p = 4", "19456:2:4"],
])("A4: parameters %s: nothing is derived and no proof is sent", async (_case, iterations) => {
  const { status, stderr, heard } = await signInTo((_command, message) =>
    challenge(message, iterations),
  );

  expect(status).toBe(77);
  expect(stderr).toContain("unsafe password parameters");
  expect(heard).toEqual([TABLE.hello.code, TABLE.scramFirst.code]);
});

test.each([
  [
    "a nonce that does not extend the client's",
    (first: string) => challenge(first, undefined, "abcdefghijklmnopqrstuvwxyz"),
  ],
  ["the client's own nonce", (first: string) => challenge(first, undefined, nonceIn(first))],
  ["an extension", (first: string) => `m=x,${challenge(first)}`],
  ["a doubled attribute", (first: string) => `${challenge(first)},i=19456:2:1`],
])("A10: %s: no proof is sent", async (_case, answer) => {
  const { status, heard } = await signInTo((_command, message) => answer(message));

  expect([76, 77]).toContain(status);
  expect(heard).toEqual([TABLE.hello.code, TABLE.scramFirst.code]);
});

test.each([
  ["a wrong signature", `v=${Buffer.alloc(32, 1).toString("base64")}`],
  ["no signature", ""],
  ["an error instead of a signature", "e=other-error"],
])("A10: %s: the client says so and sends nothing further", async (_case, final) => {
  const { status, stderr, heard } = await signInTo((command, message) =>
    command === TABLE.scramFirst.code ? challenge(message) : final,
  );

  expect(status).toBe(77);
  expect(stderr).toContain("could not prove that it knows this account");
  expect(heard).toEqual([TABLE.hello.code, TABLE.scramFirst.code, TABLE.scramFinal.code]);
});

test("R11: a server with another key gets no byte of the protocol", async () => {
  const server = new FakeServer(() => undefined);
  const other = `ftpx://ann@127.0.0.1:${server.listener.port}/#sha256:${"A".repeat(43)}`;
  const { status } = await scene.run(["quota", other], { env: { FTPX_PASSWORD: "x" } });
  server.listener.stop(true);

  expect(status).toBe(77);
  expect(server.heard).toEqual([]);
});
