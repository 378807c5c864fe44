/** Trials of what a stranger says of itself (texts.ts): SCRAM messages, verifiers, key lines. */
import { createHash, createHmac } from "node:crypto";
import { parseKeyLine } from "../../src/accounts/keyline.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { formatKeyLine } from "../../src/base/keyblob.ts";
import { ServerExchange } from "../../src/base/scram.ts";
import { fakeVerifier, formatVerifier, parseVerifier } from "../../src/base/verifier.ts";
import { PLAIN_BINDING } from "../../src/wire/tls.ts";
import type { Chance } from "../support/chance.ts";
import { FUZZ_KEY } from "./memory.ts";
import { answerOf, demandEqual } from "./refused.ts";
import { spoiledText, wildText } from "./wording.ts";

/** Of an account whose key is known without a derivation. */
const CLIENT_KEY = new Uint8Array(32).fill(3);
const STORED_KEY = createHash("sha256").update(CLIENT_KEY).digest();
const VERIFIER = {
  ...fakeVerifier(new Uint8Array(32), "ann", []),
  storedKey: new Uint8Array(STORED_KEY),
};
const BINDING_HEADER = "p=tls-exporter,,";
const CLIENT_FIRST = "p=tls-exporter,,n=ann,r=0123456789abcdef01234567";

export const SECRET_TRIALS = { scram, verifier, keyLine };

/** A10, A2: whoever knows the password gets in with the one message that is right, and with no other. */
function scram(chance: Chance): void {
  const exchange = new ServerExchange(PLAIN_BINDING);
  const clientFirst = chance.percent(50) ? CLIENT_FIRST : spoiledText(CLIENT_FIRST, chance);
  const user = answerOf(["SIGN_IN_REFUSED"], () => exchange.first(clientFirst));
  if (user === undefined) return;
  const serverFirst = exchange.challenge(VERIFIER);
  const [nonce = ""] = serverFirst.split(",");
  const bound = Buffer.concat([Buffer.from(BINDING_HEADER), PLAIN_BINDING]).toString("base64");
  const valid = `c=${bound},${nonce}`;
  const withoutProof = chance.percent(30) ? valid : spoiledText(valid, chance);
  const firstBare = clientFirst.slice(BINDING_HEADER.length);
  const proof = proofOf([firstBare, serverFirst, withoutProof].join(","));
  const right = `${withoutProof},p=${proof}`;
  const final = chance.percent(60) ? right : spoiledText(right, chance);
  const { ok } = exchange.final(final);
  const isRight = final === right && withoutProof === valid;
  if (ok !== isRight) throw new Error(`${ok ? "in" : "not in"} by ${final} after ${clientFirst}`);
  if (exchange.final(right).ok) throw new Error("in by a second try");
}

/** RFC 5802, section 3: ClientProof. */
function proofOf(authMessage: string): string {
  const signature = createHmac("sha256", STORED_KEY).update(authMessage).digest();
  return Buffer.from(CLIENT_KEY.map((octet, index) => octet ^ (signature[index] ?? 0))).toString(
    "base64",
  );
}

function verifier(chance: Chance): void {
  const valid = formatVerifier(VERIFIER);
  const text = chance.percent(20) ? wildText(chance) : spoiledText(valid, chance);
  const parsed = answerOf(["BAD_CONFIG"], () => parseVerifier(text, refuse));
  if (parsed === undefined) return;
  demandEqual(parseVerifier(formatVerifier(parsed)), parsed, text);
  if (formatVerifier(parsed) !== text) throw new Error(`a second spelling: ${text}`);
}

function keyLine(chance: Chance): void {
  const valid = formatKeyLine(FUZZ_KEY.publicKey, "ann@laptop");
  const text = chance.percent(20) ? wildText(chance) : spoiledText(valid, chance);
  const parsed = answerOf(["BAD_CONFIG"], () => parseKeyLine(text, refuse));
  if (parsed === undefined) return;
  const { publicKey, comment } = parsed;
  const again = parseKeyLine(formatKeyLine(publicKey, comment), refuse);
  demandEqual(again, { publicKey, comment }, text);
}

function refuse(reason: string): never {
  throw new FtpxError("BAD_CONFIG", { reason });
}
