import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { encodeBase64 } from "../../src/base/base64.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { ClientExchange } from "../../src/base/scram.ts";
import type { Verifier } from "../../src/base/verifier.ts";
import { ANN, BINDING, meet, NEVER_ASKED } from "../support/exchange.ts";
import { refusal } from "../support/refusal.ts";

const NONCE = "abcdefghijklmnopqrst";
const SALT = "AQIDBAUGBwgJCgsMDQ4PEA==";

test.each<[string, string, ErrorKind]>([
  [
    "does not extend ours",
    `r=ABCdefghijklmnopqrstuvwxyz0123456789,s=${SALT},i=8192:1:1`,
    "NOT_GENUINE",
  ],
  ["is ours", `r=${NONCE},s=${SALT},i=8192:1:1`, "NOT_GENUINE"],
  [
    "extends ours by 15 characters",
    `r=${NONCE}123456789012345,s=${SALT},i=8192:1:1`,
    "NOT_GENUINE",
  ],
  ["has ours at its end", `r=0123456789012345${NONCE},s=${SALT},i=8192:1:1`, "NOT_GENUINE"],
])("A10: client refuses a server whose nonce %s", (_case, message, kind) => {
  const client = new ClientExchange("ann", NEVER_ASKED, BINDING, NONCE);
  client.first();

  expect(client.final(message)).rejects.toThrow(refusal(kind));
});

test.each<[string, string]>([
  ["a reserved extension", `m=x,r=${NONCE}0123456789012345,s=${SALT},i=8192:1:1`],
  ["an unknown attribute behind", `r=${NONCE}0123456789012345,s=${SALT},i=8192:1:1,x=y`],
  ["the salt twice", `r=${NONCE}0123456789012345,s=${SALT},s=${SALT},i=8192:1:1`],
  ["another order", `s=${SALT},r=${NONCE}0123456789012345,i=8192:1:1`],
  ["no salt", `r=${NONCE}0123456789012345,i=8192:1:1`],
  ["a salt without padding", `r=${NONCE}0123456789012345,s=${SALT.slice(0, -2)},i=8192:1:1`],
  ["no parameters", `r=${NONCE}0123456789012345,s=${SALT}`],
  ["parameters as in RFC 5802", `r=${NONCE}0123456789012345,s=${SALT},i=4096`],
  ["a leading zero", `r=${NONCE}0123456789012345,s=${SALT},i=08192:1:1`],
  ["a plus", `r=${NONCE}0123456789012345,s=${SALT},i=8192:+1:1`],
  ["a line break behind", `r=${NONCE}0123456789012345,s=${SALT},i=8192:1:1\n`],
  ["an error in its place", "e=other-error"],
  ["1,025 bytes", `r=${NONCE}${"x".repeat(965)},s=${SALT},i=8192:1:1`],
])("A10: client refuses a server-first with %s", (_case, message) => {
  const client = new ClientExchange("ann", NEVER_ASKED, BINDING, NONCE);
  client.first();

  expect(client.final(message)).rejects.toThrow(refusal("NOT_GENUINE"));
});

test.each([
  ["8:1:1", SALT],
  ["8191:1:1", SALT],
  ["262145:1:1", SALT],
  ["4194304:1:1", SALT],
  ["4294967296:1:1", SALT],
  ["8192:0:1", SALT],
  ["8192:11:1", SALT],
  ["8192:1000:1", SALT],
  ["8192:1:0", SALT],
  ["8192:1:2", SALT],
  ["8192:1:1", encodeBase64(randomBytes(15))],
  ["8192:1:1", encodeBase64(randomBytes(65))],
])("A4 R26: client derives nothing for i=%s and salt %s", (iterations, salt) => {
  const client = new ClientExchange("ann", NEVER_ASKED, BINDING, NONCE);
  client.first();
  const message = `r=${NONCE}0123456789012345,s=${salt},i=${iterations}`;

  expect(client.final(message)).rejects.toThrow(refusal("BAD_PARAMETERS"));
});

test.each<[string, (serverFinal: string) => string]>([
  ["missing", () => ""],
  ["an error", () => "e=invalid-proof"],
  ["a wrong signature", () => `v=${encodeBase64(randomBytes(32))}`],
  ["a signature of 31 bytes", () => `v=${encodeBase64(randomBytes(31))}`],
  ["an empty signature", () => "v="],
  ["followed by something", (text) => `${text},x=y`],
  ["a signature without padding", (text) => text.slice(0, -1)],
  ["followed by a line break", (text) => `${text}\n`],
])("A10: client refuses a server-final that is %s", async (_case, change) => {
  const { client, server, clientFinal } = await meet();
  const outcome = server.final(clientFinal);
  if (!outcome.ok) throw new Error("refused");

  expect(() => client.verify(change(outcome.serverFinal))).toThrow(refusal("NOT_GENUINE"));
  expect(() => client.verify(outcome.serverFinal)).toThrow(refusal("NOT_GENUINE"));
});

test("A10: client refuses a server-final that comes early or twice", async () => {
  const { client, server, clientFinal, serverFirst } = await meet();
  const outcome = server.final(clientFinal);
  if (!outcome.ok) throw new Error("refused");
  const early = new ClientExchange("ann", NEVER_ASKED, BINDING);
  early.first();
  client.verify(outcome.serverFinal);

  expect(() => early.verify(outcome.serverFinal)).toThrow(refusal("NOT_GENUINE"));
  expect(() => client.verify(outcome.serverFinal)).toThrow(refusal("NOT_GENUINE"));
  expect(client.final(serverFirst)).rejects.toThrow(refusal("NOT_GENUINE"));
});

test("A10: a server that has only StoredKey cannot prove itself", async () => {
  const stolen: Verifier = { ...ANN, serverKey: ANN.storedKey };
  const { client, server, clientFinal } = await meet({ verifier: stolen });
  const outcome = server.final(clientFinal);

  expect(() => client.verify(outcome.ok ? outcome.serverFinal : "")).toThrow(
    refusal("NOT_GENUINE"),
  );
});
