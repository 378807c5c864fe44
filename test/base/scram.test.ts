import { expect, test } from "bun:test";
import crypto, { randomBytes } from "node:crypto";
import fs from "node:fs";
import * as fc from "fast-check";
import { encodeBase64 } from "../../src/base/base64.ts";
import { ClientExchange, DerivedKeys, ServerExchange } from "../../src/base/scram.ts";
import { hmac, sha256 } from "../../src/base/derivation.ts";
import {
  fakeVerifier,
  formatVerifier,
  makeVerifier,
  parseVerifier,
} from "../../src/base/verifier.ts";
import { ANN, ANNS_KEYS, BINDING, CHEAP, meet, NEVER_ASKED } from "../support/exchange.ts";
import { refusal } from "../support/refusal.ts";

type Vector = Record<string, string>;

/** Blocks of `key value` lines between blank lines. */
function readVectors(): Vector[] {
  const text = fs.readFileSync(new URL("../vectors/scram.txt", import.meta.url), "utf8");
  const blocks = text
    .replaceAll(/^#.*\n/gm, "")
    .trim()
    .split("\n\n");
  return blocks.map((block) =>
    Object.fromEntries(block.split("\n").map((line) => line.split(/ (.*)/, 2))),
  );
}

/** The server's answer to a client-final that was changed on its way. */
async function outcomeOf(change: (clientFinal: string) => string): Promise<unknown> {
  const { server, clientFinal } = await meet();
  return server.final(change(clientFinal));
}

test.each(readVectors())("R25: SCRAM of $user is what the vectors say", async (vector) => {
  const user = JSON.parse(vector["user"] ?? "");
  const binding = Buffer.from(vector["binding"] ?? "", "hex");
  const password = new DerivedKeys(() => JSON.parse(vector["password"] ?? ""));
  const verifier = parseVerifier(vector["verifier"] ?? "");
  const made = await makeVerifier(JSON.parse(vector["password"] ?? ""), verifier, verifier.salt);
  const client = new ClientExchange(user, password, binding, vector["client-nonce"]);
  const server = new ServerExchange(binding, vector["server-nonce"]);

  expect(formatVerifier(made)).toBe(vector["verifier"] ?? "");
  expect(client.first()).toBe(vector["client-first"] ?? "");
  expect(server.first(vector["client-first"] ?? "")).toBe(user);
  expect(server.challenge(verifier)).toBe(vector["server-first"] ?? "");
  expect(await client.final(vector["server-first"] ?? "")).toBe(vector["client-final"] ?? "");
  expect(server.final(vector["client-final"] ?? "")).toEqual({
    ok: true,
    serverFinal: vector["server-final"] ?? "",
  });
  client.verify(vector["server-final"] ?? "");
});

test("a right password signs in, and the nonces are fresh each time", async () => {
  const first = await meet();
  const second = await meet();
  const outcome = first.server.final(first.clientFinal);

  expect(outcome.ok).toBe(true);
  if (outcome.ok) first.client.verify(outcome.serverFinal);
  expect(first.clientFirst).not.toBe(second.clientFirst);
  expect(first.serverFirst).not.toBe(second.serverFirst);
});

test("A1: a wrong password and an unknown name see messages of one form and length", async () => {
  const fake = fakeVerifier(randomBytes(32), "ann", [CHEAP]);
  const wrong = await meet({ keys: new DerivedKeys(() => "wrong") });
  const unknown = await meet({ verifier: fake });

  expect(unknown.serverFirst.length).toBe(wrong.serverFirst.length);
  expect(wrong.server.final(wrong.clientFinal)).toEqual({ ok: false });
  expect(unknown.server.final(unknown.clientFinal)).toEqual({ ok: false });
});

test.each([
  ["no binding (flag n)", "n,,n=ann,r=abcdefghijklmnopqrst"],
  ["binding not used (flag y)", "y,,n=ann,r=abcdefghijklmnopqrst"],
  ["tls-server-end-point", "p=tls-server-end-point,,n=ann,r=abcdefghijklmnopqrst"],
  ["tls-unique", "p=tls-unique,,n=ann,r=abcdefghijklmnopqrst"],
  ["an empty type of binding", "p=,,n=ann,r=abcdefghijklmnopqrst"],
  ["an authorisation identity", "p=tls-exporter,a=bob,n=ann,r=abcdefghijklmnopqrst"],
  ["a reserved extension in front", "p=tls-exporter,,m=x,n=ann,r=abcdefghijklmnopqrst"],
  ["a reserved extension behind", "p=tls-exporter,,n=ann,r=abcdefghijklmnopqrst,m=x"],
  ["an unknown attribute", "p=tls-exporter,,n=ann,r=abcdefghijklmnopqrst,x=y"],
  ["two names", "p=tls-exporter,,n=ann,n=bob,r=abcdefghijklmnopqrst"],
  ["two nonces", "p=tls-exporter,,n=ann,r=abcdefghijklmnopqrst,r=abcdefghijklmnopqrst"],
  ["another order", "p=tls-exporter,,r=abcdefghijklmnopqrst,n=ann"],
  ["no name", "p=tls-exporter,,r=abcdefghijklmnopqrst"],
  ["an empty name", "p=tls-exporter,,n=,r=abcdefghijklmnopqrst"],
  ["a bare equals sign in the name", "p=tls-exporter,,n=a=b,r=abcdefghijklmnopqrst"],
  ["an escape in lower case", "p=tls-exporter,,n=a=2cb,r=abcdefghijklmnopqrst"],
  ["a NUL in the name", "p=tls-exporter,,n=a\0b,r=abcdefghijklmnopqrst"],
  ["a lone surrogate in the name", "p=tls-exporter,,n=a\ud800,r=abcdefghijklmnopqrst"],
  ["no nonce", "p=tls-exporter,,n=ann"],
  ["an empty nonce", "p=tls-exporter,,n=ann,r="],
  ["a nonce of 15 characters", "p=tls-exporter,,n=ann,r=abcdefghijklmno"],
  ["a nonce of 129 characters", `p=tls-exporter,,n=ann,r=${"x".repeat(129)}`],
  ["a space in the nonce", "p=tls-exporter,,n=ann,r=abcdefghij klmnopqrst"],
  ["a nonce that is not ASCII", "p=tls-exporter,,n=ann,r=abcdefghijklmnopqrsé"],
  ["a line break behind", "p=tls-exporter,,n=ann,r=abcdefghijklmnopqrst\n"],
  ["nothing at all", ""],
  ["1,025 bytes", `p=tls-exporter,,n=${"x".repeat(984)},r=abcdefghijklmnopqrst`],
])("A10: server refuses a client-first with %s", (_case, message) => {
  const server = new ServerExchange(BINDING);

  expect(() => server.first(message)).toThrow(refusal("SIGN_IN_REFUSED"));
  expect(() => server.challenge(ANN)).toThrow(refusal("SIGN_IN_REFUSED"));
});

test.each(["constructor", "__proto__", "a,b=c", "x\n… login ok user=root", "=2C", "é𝄞", "../x"])(
  "I3: the user name %p comes through as it is",
  (user) => {
    const server = new ServerExchange(BINDING);
    const client = new ClientExchange(user, NEVER_ASKED, BINDING);

    expect(server.first(client.first())).toBe(user);
  },
);

test.each<[string, (clientFinal: string) => string]>([
  ["an altered nonce", (text) => text.replace(/r=./, "r=~")],
  ["a nonce cut short", (text) => text.replace(/.,p=/, ",p=")],
  ["a nonce made longer", (text) => text.replace(/,p=/, "x,p=")],
  ["the client's nonce only", (text) => text.replace(/(r=.{24}).*,p=/, "$1,p=")],
  ["the nonce twice", (text) => text.replace(/(r=[^,]*)/, "$1,$1")],
  ["the attributes in another order", (text) => text.replace(/^(c=.*),(r=.*),p/, "$2,$1,p")],
  ["the proof in front", (text) => text.replace(/^(.*),(p=.*)$/, "$2,$1")],
  ["a reserved extension", (text) => text.replace(",p=", ",m=x,p=")],
  ["an unknown attribute", (text) => text.replace(",p=", ",x=y,p=")],
  ["something behind the proof", (text) => `${text},x=y`],
  ["a line break behind", (text) => `${text}\n`],
  ["no binding", (text) => text.replace(/^c=[^,]*,/, "")],
  ["an empty binding", (text) => text.replace(/^c=[^,]*/, "c=")],
  ["the binding of flag n", (text) => text.replace(/^c=[^,]*/, "c=biws")],
  ["the binding of flag y", (text) => text.replace(/^c=[^,]*/, "c=eSws")],
  [
    "a binding of the header only",
    (text) => text.replace(/^c=[^,]*/, "c=cD10bHMtZXhwb3J0ZXIsLA=="),
  ],
  ["no proof", (text) => text.replace(/,p=.*/, "")],
  ["an empty proof", (text) => text.replace(/,p=.*/, ",p=")],
  ["a proof of 31 bytes", (text) => text.replace(/,p=.*/, `,p=${encodeBase64(randomBytes(31))}`)],
  ["a proof of 33 bytes", (text) => text.replace(/,p=.*/, `,p=${encodeBase64(randomBytes(33))}`)],
  ["a proof that is all zero", (text) => text.replace(/,p=.*/, `,p=${"A".repeat(43)}=`)],
  ["another proof", (text) => text.replace(/,p=.*/, `,p=${encodeBase64(randomBytes(32))}`)],
  ["a proof without padding", (text) => text.slice(0, -1)],
  ["more than 1,024 bytes", (text) => `${text},x=${"y".repeat(1024)}`],
  ["nothing", () => ""],
])("A10 A6: server refuses a client-final with %s", async (_case, change) => {
  expect(await outcomeOf(change)).toEqual({ ok: false });
});

test.each<[string, (withoutProof: string) => string]>([
  ["an altered nonce", (text) => text.replace(/.$/, "~")],
  ["a nonce made longer", (text) => `${text}x`],
  ["the client's nonce only", (text) => text.replace(/(r=.{24}).*/, "$1")],
  ["the binding of flag n", (text) => text.replace(/^c=[^,]*/, "c=biws")],
  ["the binding of flag y", (text) => text.replace(/^c=[^,]*/, "c=eSws")],
  [
    "a binding of the header only",
    (text) => text.replace(/^c=[^,]*/, "c=cD10bHMtZXhwb3J0ZXIsLA=="),
  ],
  ["a reserved extension", (text) => `${text},m=x`],
  ["an unknown attribute", (text) => `${text},x=y`],
  ["the attributes in another order", (text) => text.replace(/^(c=.*),(r=.*)/, "$2,$1")],
])("A10: server refuses %s even with the proof that belongs to it", async (_case, change) => {
  const { server, clientFirst, serverFirst, clientFinal } = await meet();
  const withoutProof = change(clientFinal.replace(/,p=.*/, ""));
  const { clientKey } = await ANNS_KEYS.keysFor(ANN.salt, CHEAP);
  const authMessage = [clientFirst.slice("p=tls-exporter,,".length), serverFirst, withoutProof];
  const signature = hmac(ANN.storedKey, authMessage.join(","));
  const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));

  expect(server.final(`${withoutProof},p=${encodeBase64(proof)}`)).toEqual({ ok: false });
});

test("A10: the changes of these tests start from a message that is accepted", async () => {
  expect(await outcomeOf((text) => text)).toMatchObject({ ok: true });
});

test("A10: server refuses a client-final with any one bit flipped", async () => {
  const { clientFinal } = await meet();
  for (let index = 0; index < clientFinal.length; index += 1) {
    const flipped = String.fromCharCode(clientFinal.charCodeAt(index) ^ (1 << (index % 7)));
    const change = (text: string) => text.slice(0, index) + flipped + text.slice(index + 1);
    const { server, clientFinal: message } = await meet();
    if (change(message) !== message) expect(server.final(change(message)).ok).toBe(false);
  }
});

test("A10: a proof made for another connection is refused (relay)", async () => {
  const { server, clientFinal } = await meet({ bindings: [randomBytes(32), BINDING] });

  expect(server.final(clientFinal)).toEqual({ ok: false });
});

test("A10: a client-final counts once, and not for another exchange", async () => {
  const { server, clientFinal } = await meet();
  const other = await meet();

  expect(other.server.final(clientFinal)).toEqual({ ok: false });
  expect(other.server.final(other.clientFinal)).toEqual({ ok: false });
  expect(server.final(clientFinal).ok).toBe(true);
  expect(server.final(clientFinal)).toEqual({ ok: false });
});

test("A10: server refuses every step out of order", async () => {
  const { clientFirst, clientFinal } = await meet();
  const early = new ServerExchange(BINDING);
  const twice = new ServerExchange(BINDING);
  twice.first(clientFirst);

  expect(() => early.challenge(ANN)).toThrow(refusal("SIGN_IN_REFUSED"));
  expect(new ServerExchange(BINDING).final(clientFinal)).toEqual({ ok: false });
  expect(() => twice.first(clientFirst)).toThrow(refusal("SIGN_IN_REFUSED"));
  expect(() => twice.challenge(ANN)).toThrow(refusal("SIGN_IN_REFUSED"));
});

test.each([0, 31, 33])("A10: a binding of %p bytes is a defect on both sides", (bindingBytes) => {
  expect(() => new ServerExchange(randomBytes(bindingBytes))).toThrow(/not 32 bytes/);
  expect(() => new ClientExchange("ann", NEVER_ASKED, randomBytes(bindingBytes))).toThrow(
    /not 32 bytes/,
  );
});

test("A11: no part of a verifier signs in, as password, as ClientKey or as proof", async () => {
  const parts = [ANN.salt, ANN.storedKey, ANN.serverKey, sha256(ANN.storedKey)];
  for (const part of parts) {
    const asPassword = [encodeBase64(part), part.toString(), formatVerifier(ANN)];
    for (const password of asPassword.filter((text) => !/\p{Cc}/u.test(text))) {
      const { server, clientFinal } = await meet({ keys: new DerivedKeys(() => password) });
      expect(server.final(clientFinal)).toEqual({ ok: false });
    }
    for (const clientKey of [part, hmac(part, "Client Key")]) {
      expect(await outcomeWithKey(clientKey)).toEqual({ ok: false });
    }
    expect(await outcomeOf((text) => text.replace(/p=.*/, `p=${encodeBase64(part)}`))).toEqual({
      ok: false,
    });
  }
});

/** What comes of a client that has this in the place of ann's ClientKey. */
async function outcomeWithKey(clientKey: Uint8Array): Promise<unknown> {
  const keys = new DerivedKeys(() => "unused");
  keys.keysFor = () => Promise.resolve({ clientKey, serverKey: ANN.serverKey });
  const { server, clientFinal } = await meet({ keys });
  return server.final(clientFinal);
}

test("DerivedKeys asks for the password once for one salt, and again for another", async () => {
  let asked = 0;
  const keys = new DerivedKeys(() => {
    asked += 1;
    return "secret";
  });
  const [first, second] = await Promise.all([
    keys.keysFor(ANN.salt, CHEAP),
    keys.keysFor(Uint8Array.from(ANN.salt), { ...CHEAP }),
  ]);
  expect(second).toBe(first);
  expect(asked).toBe(1);

  await keys.keysFor(crypto.randomBytes(16), CHEAP);
  expect(asked).toBe(2);
  await keys.keysFor(ANN.salt, { memoryKib: 8192, passes: 2 });
  expect(asked).toBe(3);
});

test("DerivedKeys asks again after a prompt that failed", async () => {
  let asked = 0;
  const keys = new DerivedKeys(() => {
    asked += 1;
    if (asked === 1) throw new Error("no terminal");
    return "secret";
  });

  await keys.keysFor(ANN.salt, CHEAP).catch(() => undefined);
  expect(keys.keysFor(ANN.salt, CHEAP)).resolves.toBeDefined();
});

test("A10: random messages are refused and nothing else is thrown", async () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 80 }),
    fc.stringMatching(/^[pncrsiv]=[a-zA-Z0-9+/=,:-]{0,60}$/),
  );
  await fc.assert(
    fc.asyncProperty(text, async (message) => {
      const server = new ServerExchange(BINDING);
      expect(() => server.first(message)).toThrow(refusal("SIGN_IN_REFUSED"));
      const client = new ClientExchange("ann", NEVER_ASKED, BINDING);
      client.first();
      const failure = await client.final(message).catch((error: unknown) => error);
      expect(failure).toMatchObject({ kind: "NOT_GENUINE" });
    }),
    { numRuns: 1000 },
  );
});
