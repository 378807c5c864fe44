import { afterEach, beforeEach, expect, test } from "bun:test";
import { signInMessage } from "../../src/base/signature.ts";
import { keyFinal, keyFirst } from "../../src/commands/keys.ts";
import { scramFinal, scramFirst } from "../../src/commands/signin.ts";
import { outcomeOf } from "../support/refusal.ts";
import { FINGERPRINT, keyLine, signingKey, SignIns, verifierOf } from "../support/signins.ts";

let signIns: SignIns;

beforeEach(async () => {
  signIns = await SignIns.open({
    ann: { password: await verifierOf("pw"), keys: [keyLine(1), keyLine(2)] },
    bob: { keys: [keyLine(3)] },
    carl: { keys: [keyLine(1)], disabled: true },
    dora: { password: await verifierOf("pw") },
  });
});

afterEach(() => signIns.close());

const CLIENT_FIRST = "p=tls-exporter,,n=ann,r=abcdefghijklmnopqrst";

test("a key of the account signs in, and the log says which", async () => {
  const session = signIns.session();
  await signIns.byKey(session, 2);

  expect(session.account?.name).toBe("ann");
  expect(signIns.events).toContainEqual(
    expect.objectContaining({
      event: "login",
      user: "ann",
      method: "key",
      key: expect.stringMatching(/^SHA256:/) as string,
    }),
  );
});

test.each([
  ["a key of nobody", 9, { user: "ann" }, "unknown key"],
  ["a key of another account", 3, { user: "ann" }, "unknown key"],
  ["A1: an unknown user", 1, { user: "nobody" }, "unknown user"],
  ["I3: __proto__", 1, { user: "__proto__" }, "unknown user"],
  ["an account without keys", 1, { user: "dora" }, "unknown key"],
  ["A7: a disabled account with its key", 1, { user: "carl" }, "account is disabled"],
])("%s is refused like everything else", async (_case, seed, claim, reason) => {
  const session = signIns.session();

  expect(await outcomeOf(signIns.byKey(session, seed, claim))).toBe("SIGN_IN_REFUSED");
  expect(session.isSignedIn).toBe(false);
  expect(signIns.events).toContainEqual(
    expect.objectContaining({ event: "login-failed", name: claim.user, reason }),
  );
});

const OTHER = new Uint8Array(32).fill(0x55);

test.each([
  ["made on another connection", { binding: OTHER }],
  ["made for another server", { fingerprint: `sha256:${"B".repeat(43)}` }],
  ["made where there is no TLS", { fingerprint: "" }],
  ["made for another nonce", { nonce: OTHER }],
])("A10: a signature that was %s is refused", async (_case, claim) => {
  const session = signIns.session();

  expect(await outcomeOf(signIns.byKey(session, 1, claim))).toBe("SIGN_IN_REFUSED");
  expect(signIns.events).toContainEqual(
    expect.objectContaining({ event: "login-failed", name: "ann", reason: "wrong signature" }),
  );
});

test("A10: a signature for another user is refused, although the key is that user's", async () => {
  const session = signIns.session();
  const key = signingKey(3);
  const { publicKey } = key;
  const { nonce } = await keyFirst(session, { user: "ann", publicKey });
  const { binding = OTHER } = session.line;
  const message = signInMessage({
    binding,
    fingerprint: FINGERPRINT,
    user: "bob",
    publicKey,
    nonce,
  });

  expect(await outcomeOf(keyFinal(session, { signature: key.sign(message) }))).toBe(
    "SIGN_IN_REFUSED",
  );
});

test("A10: a nonce is for one signature, and the last one counts", async () => {
  const session = signIns.session();
  const key = signingKey(1);
  const { publicKey } = key;
  const { binding = OTHER } = session.line;
  const about = { binding, fingerprint: FINGERPRINT, user: "ann", publicKey };
  const first = await keyFirst(session, { user: "ann", publicKey });
  const second = await keyFirst(session, { user: "ann", publicKey });
  const old = key.sign(signInMessage({ ...about, nonce: first.nonce }));

  expect(second.nonce).not.toEqual(first.nonce);
  expect(await outcomeOf(keyFinal(session, { signature: old }))).toBe("SIGN_IN_REFUSED");
  const right = key.sign(signInMessage({ ...about, nonce: second.nonce }));
  expect(await outcomeOf(keyFinal(session, { signature: right }))).toBe("BAD_STATE");
  await signIns.byKey(session, 1);
  expect(session.isSignedIn).toBe(true);
});

test("A10: the last step of one kind of sign-in does not end the other", async () => {
  const session = signIns.session();
  const { publicKey } = signingKey(1);
  const signature = new Uint8Array(64);
  expect(await outcomeOf(keyFinal(session, { signature }))).toBe("BAD_STATE");

  await scramFirst(session, { message: CLIENT_FIRST });
  expect(await outcomeOf(keyFinal(session, { signature }))).toBe("BAD_STATE");
  await keyFirst(session, { user: "ann", publicKey });
  expect(await outcomeOf(scramFinal(session, { message: "c=,r=,p=" }))).toBe("BAD_STATE");
  expect(await outcomeOf(keyFinal(session, { signature }))).toBe("BAD_STATE");
});

test("A6: empty and malformed keys and signatures never get in", async () => {
  const zero = new Uint8Array(64);
  for (const publicKey of [zero.subarray(0, 0), zero.subarray(0, 32), signingKey(1).publicKey]) {
    for (const signature of [zero, zero.subarray(0, 0), zero.subarray(0, 63)]) {
      const session = signIns.session();
      const { nonce } = await keyFirst(session, { user: "ann", publicKey });
      expect(nonce.byteLength).toBe(32);
      expect(await outcomeOf(keyFinal(session, { signature }))).toBe("SIGN_IN_REFUSED");
    }
  }
});

test("A5: tries with keys and with passwords count together", async () => {
  const session = signIns.session();

  expect(await outcomeOf(signIns.byPassword(session, "ann", "wrong"))).toBe("SIGN_IN_REFUSED");
  expect(await outcomeOf(signIns.byKey(session, 9))).toBe("SIGN_IN_REFUSED");
  expect(await outcomeOf(signIns.byKey(session, 9))).toBe("TOO_MANY_TRIES");
  expect(await outcomeOf(signIns.byKey(session, 1))).toBe("TOO_MANY_TRIES");
  expect(session.isSignedIn).toBe(false);
});

test("once signed in, another sign-in is refused", async () => {
  const session = signIns.session();
  await signIns.byKey(session, 1);

  expect(await outcomeOf(signIns.byKey(session, 1))).toBe("BAD_STATE");
});

test("A7: a session ends when what it was signed in with is gone, and only then", async () => {
  const [one, two, typed] = [signIns.session(), signIns.session(), signIns.session()];
  await signIns.byKey(one, 1);
  await signIns.byKey(two, 2);
  await signIns.byPassword(typed, "ann", "pw");

  await signIns.change("ann", { keys: [keyLine(1), keyLine(2), keyLine(4)] });
  expect([...signIns.closed.keys()]).toEqual([]);
  await signIns.change("ann", { keys: [keyLine(4), keyLine(2)] });
  expect([...signIns.closed.keys()]).toEqual([one]);
  await signIns.change("ann", { password: await verifierOf("another") });
  expect([...signIns.closed.keys()]).toEqual([one, typed]);
  await signIns.change("ann", { disabled: true });
  expect([...signIns.closed.keys()]).toEqual([one, typed, two]);
});

test("A7: a key that is removed between the two steps does not get in", async () => {
  const session = signIns.session();
  const key = signingKey(1);
  const { publicKey } = key;
  const { nonce } = await keyFirst(session, { user: "ann", publicKey });
  await signIns.change("ann", { keys: [keyLine(2)] });
  const { binding = OTHER } = session.line;
  const message = signInMessage({
    binding,
    fingerprint: FINGERPRINT,
    user: "ann",
    publicKey,
    nonce,
  });

  expect(await outcomeOf(keyFinal(session, { signature: key.sign(message) }))).toBe(
    "SIGN_IN_REFUSED",
  );
});
