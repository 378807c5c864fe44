/**
 * PROTOCOL.md's worked examples, computed by the code: digests, paths, one sign-in, and the
 * frames of a short session. Nonces, salt and channel binding are fixed, so that everybody
 * who follows the text gets the same octets.
 */
import {
  ALGORITHMS,
  ChunkDigester,
  composeDigest,
  createHasher,
  formatDigest,
} from "../../src/base/digest.ts";
import type { Algorithm } from "../../src/base/digest.ts";
import { encodeText } from "../../src/base/bytes.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { CHUNK_BYTES, QUOTA_BYTES_DEFAULT, QUOTA_FILES_DEFAULT } from "../../src/base/limits.ts";
import {
  BODY_BYTES_MAX,
  REQUESTS_MAX,
  TRANSFERS_MAX,
  WINDOW_BYTES,
} from "../../src/base/limits.ts";
import { nameText, parsePath } from "../../src/base/path.ts";
import { ClientExchange, DerivedKeys, ServerExchange } from "../../src/base/scram.ts";
import { signInMessage, SigningKey } from "../../src/base/signature.ts";
import { deriveKeys } from "../../src/base/derivation.ts";
import { formatVerifier, makeVerifier } from "../../src/base/verifier.ts";
import { NOTICES } from "../../src/commands/notices.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { AnyCommand, CommandName } from "../../src/commands/table.ts";
import {
  CONTENT_PREFIX_BYTES,
  encodeError,
  encodeFrame,
  FLAG_ERROR,
  FLAG_REPLY,
  HEADER_BYTES,
  sealContent,
} from "../../src/wire/frame.ts";
import { encodeBody } from "../../src/wire/shape.ts";
import { hexOf } from "../support/octets.ts";
import { columns, fenced, spacedHex } from "./columns.ts";

const BINDING = Uint8Array.from({ length: 32 }, (_none, index) => index);
const SALT = Uint8Array.from({ length: 16 }, (_none, index) => 0xa0 + index);
const CLIENT_NONCE = "fyko+d2lbbFgONRv9qkxdawL";
const SERVER_NONCE = "3rfcNHYJY1ZVvWVs7j5pzkQ9";
const USER = "ann";
const PASSWORD = "pencil";

/** Digests of four contents by every algorithm. */
export async function digestExamples(): Promise<string> {
  const contents: [string, Uint8Array][] = [
    ["no bytes", new Uint8Array(0)],
    ["the 3 bytes 61 62 63", encodeText("abc")],
    ["8,388,608 bytes of zero", new Uint8Array(CHUNK_BYTES)],
    ["8,388,609 bytes of zero", new Uint8Array(CHUNK_BYTES + 1)],
  ];
  const blocks: string[] = [];
  for (const [label, content] of contents) {
    const lines = [label];
    for (const name of Object.keys(ALGORITHMS) as Algorithm[]) {
      lines.push(`  ${await digestOf(name, content)}`);
    }
    blocks.push(lines.join("\n"));
  }
  const chunks = await chunksOf("sha256", new Uint8Array(CHUNK_BYTES + 1));
  const parts = chunks.map(
    (digest, index) => `  chunk ${index}  ${Buffer.from(digest).toString("hex")}`,
  );
  blocks.push(["the two chunk digests behind the last sha256", ...parts].join("\n"));
  return fenced(blocks.join("\n\n"));
}

/** Names as the file system has them, and as they cross the wire. */
export function pathExamples(): string {
  const names = ["66 6f 6f", "c3 a9", "62 61 64 ff fe", "c3", "f4 8f ba 80"];
  const rows = names.map((octets) => {
    const text = nameText(Uint8Array.from(Buffer.from(octets.replaceAll(" ", ""), "hex")));
    const points = Array.from(
      text,
      (character) =>
        `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`,
    );
    return [octets, points.join(" ")];
  });
  return fenced(columns([["bytes of the name", "characters on the wire"], ...rows]));
}

/** All values of one sign-in. */
export async function signInExample(): Promise<string> {
  const { verifier, messages } = await signIn();
  const keys = await deriveKeys(PASSWORD, SALT, verifier);
  const rows = [
    ["user, password", `${USER}, ${PASSWORD}`],
    ["binding", Buffer.from(BINDING).toString("hex")],
    ["ClientKey", Buffer.from(keys.clientKey).toString("hex")],
    ["StoredKey", Buffer.from(verifier.storedKey).toString("hex")],
    ["ServerKey", Buffer.from(keys.serverKey).toString("hex")],
  ];
  const verifierLines = formatVerifier(verifier).match(/.{1,90}/g) ?? [];
  const lines = [
    columns(rows),
    "",
    "verifier, one line:",
    ...verifierLines.map((line) => `  ${line}`),
    ...messages.flatMap(([label, message]) => ["", `${label}:`, ...foldMessage(message)]),
  ];
  return fenced(lines.join("\n"));
}

/** All values of one sign-in by key. */
export function keyExample(): string {
  const seed = Uint8Array.from({ length: 32 }, (_unused, index) => index);
  const key = new SigningKey(seed.slice());
  const { publicKey } = key;
  const fingerprint = `sha256:${"A".repeat(43)}`;
  const nonce = Uint8Array.from({ length: 32 }, (_unused, index) => 0x80 + index);
  const message = signInMessage({ binding: BINDING, fingerprint, user: USER, publicKey, nonce });
  const rows = [
    ["private key", hexOf(seed)],
    ["publicKey", hexOf(publicKey)],
    ["user", USER],
    ["binding", hexOf(BINDING)],
    ["fingerprint", fingerprint],
    ["nonce", hexOf(nonce)],
  ];
  const signature = key.sign(message);
  const blocks = [
    columns(rows),
    `what is signed:\n${spacedHex(message, "  ")}`,
    `signature:\n${spacedHex(signature, "  ")}`,
  ];
  return fenced(blocks.join("\n\n"));
}

/** A whole session: hello, sign-in, quota, a file of five bytes, a refusal. */
export async function exchangeExample(): Promise<string> {
  const { messages } = await signIn();
  const [clientFirst, serverFirst, clientFinal, serverFinal] = messages.map(([, message]) => ({
    message,
  }));
  const path = parsePath("/a.txt");
  const content = encodeText("hello");
  const digest = (await chunksOf("sha256", content))[0] ?? new Uint8Array(0);
  const quota = {
    usedBytes: 0,
    usedFiles: 0,
    reservedBytes: 0,
    reservedFiles: 0,
    limitBytes: QUOTA_BYTES_DEFAULT,
    limitFiles: QUOTA_FILES_DEFAULT,
  };
  const open = {
    path,
    totalBytes: 5,
    modifiedMs: 1_700_000_000_000,
    source: Uint8Array.of(1, 2, 3, 4),
    algorithm: "sha256",
    isFresh: true,
    mayReplace: true,
  };
  const opened = {
    storedBytes: 0,
    chunkCount: 0,
    isSameSource: true,
    lastDigest: undefined,
    windowBytes: WINDOW_BYTES,
  };
  const limits = {
    bodyBytesMax: BODY_BYTES_MAX,
    requestsMax: REQUESTS_MAX,
    transfersMax: TRANSFERS_MAX,
  };
  return fenced(
    [
      request("hello", 1, { client: "ftpx 0.1.0", features: [] }),
      reply("hello", 1, { server: "ftpx 0.1.0", features: [], ...limits }),
      request("scramFirst", 2, clientFirst),
      reply("scramFirst", 2, serverFirst),
      request("scramFinal", 3, clientFinal),
      reply("scramFinal", 3, serverFinal),
      request("quota", 4, {}),
      reply("quota", 4, quota),
      request("openUpload", 5, open),
      contentFrame(5, 0, content),
      request("commit", 6, { transfer: 5, totalBytes: 5, digest, chunks: 1 }),
      reply("openUpload", 5, opened),
      show(
        "server",
        "ack, transfer 5",
        encodeFrame(NOTICES.ack.code, 0, 5, encodeBody(NOTICES.ack.body, { offset: 5 })),
      ),
      reply("commit", 6, {}),
      request("stat", 7, { path: parsePath("/b.txt") }),
      refusal("stat", 7, new FtpxError("NO_SUCH_PATH")),
    ].join("\n\n"),
  );
}

async function signIn() {
  const verifier = await makeVerifier(PASSWORD, undefined, SALT);
  const client = new ClientExchange(USER, new DerivedKeys(() => PASSWORD), BINDING, CLIENT_NONCE);
  const server = new ServerExchange(BINDING, SERVER_NONCE);
  const clientFirst = client.first();
  server.first(clientFirst);
  const serverFirst = server.challenge(verifier);
  const clientFinal = await client.final(serverFirst);
  const outcome = server.final(clientFinal);
  const serverFinal = outcome.ok ? outcome.serverFinal : "";
  client.verify(serverFinal);
  const messages: [string, string][] = [
    ["client-first", clientFirst],
    ["server-first", serverFirst],
    ["client-final", clientFinal],
    ["server-final", serverFinal],
  ];
  return { verifier, messages };
}

async function chunksOf(algorithm: Algorithm, content: Uint8Array): Promise<Uint8Array[]> {
  const digester = new ChunkDigester(await createHasher(algorithm), 0);
  digester.update(content);
  return digester.finish();
}

async function digestOf(algorithm: Algorithm, content: Uint8Array): Promise<string> {
  return formatDigest(await composeDigest(algorithm, await chunksOf(algorithm, content)));
}

/** A message too long for a line goes on after a comma. */
function foldMessage(message: string): string[] {
  return message.split(/(?<=,)(?=[csrip]=)/).map((part) => `  ${part}`);
}

function request(name: CommandName, id: number, value: unknown): string {
  const row = TABLE[name] as unknown as AnyCommand;
  return show(
    "client",
    `${name}, request ${id}`,
    encodeFrame(row.code, 0, id, encodeBody(row.request, value)),
  );
}

function reply(name: CommandName, id: number, value: unknown): string {
  const row = TABLE[name] as unknown as AnyCommand;
  const body = encodeBody(row.reply, value);
  return show("server", `reply to ${id}`, encodeFrame(row.code, FLAG_REPLY, id, body));
}

function refusal(name: CommandName, id: number, error: FtpxError): string {
  const frame = encodeFrame(TABLE[name].code, FLAG_REPLY | FLAG_ERROR, id, encodeError(error));
  return show("server", `${error.kind}, reply to ${id}`, frame);
}

function contentFrame(id: number, offset: number, content: Uint8Array): string {
  const frame = new Uint8Array(CONTENT_PREFIX_BYTES + content.byteLength);
  frame.set(content, CONTENT_PREFIX_BYTES);
  return show(
    "client",
    `content, transfer ${id}`,
    sealContent(frame, id, offset, content.byteLength),
  );
}

function show(from: "client" | "server", what: string, frame: Uint8Array): string {
  const header = spacedHex(frame.subarray(0, HEADER_BYTES), "  header  ");
  const body = spacedHex(frame.subarray(HEADER_BYTES), "  body    ");
  return [`${from}: ${what}`, header, ...(body === "" ? [] : [body])].join("\n");
}
