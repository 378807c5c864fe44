/** Trials of what a stranger says of itself (texts.ts): SCRAM messages, verifiers, key lines. */
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

const VERIFIER = fakeVerifier(new Uint8Array(32), "ann", []);
const CLIENT_FIRST = "p=tls-exporter,,n=ann,r=0123456789abcdef01234567";

export const SECRET_TRIALS = { scram, verifier, keyLine };

/** A10, A2: whatever is said, nobody gets in who does not know the password. */
function scram(chance: Chance): void {
  const exchange = new ServerExchange(PLAIN_BINDING);
  const first = chance.percent(50) ? CLIENT_FIRST : spoiledText(CLIENT_FIRST, chance);
  const user = answerOf(["SIGN_IN_REFUSED", "BAD_BODY"], () => exchange.first(first));
  if (user === undefined) return;
  if (!first.includes(user)) throw new Error(`the user ${user} of ${first}`);
  const challenge = exchange.challenge(VERIFIER);
  const [nonce = ""] = challenge.split(",");
  const binding = Buffer.concat([Buffer.from("p=tls-exporter,,"), PLAIN_BINDING]);
  const proof = Buffer.from(chance.bytes(32)).toString("base64");
  const valid = `c=${binding.toString("base64")},${nonce},p=${proof}`;
  const final = chance.percent(30) ? valid : spoiledText(valid, chance);
  const outcome = answerOf(["SIGN_IN_REFUSED", "BAD_BODY"], () => exchange.final(final));
  if (outcome?.ok === true) throw new Error(`in by ${final}`);
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
