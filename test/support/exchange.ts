/**
 * A SCRAM exchange of one account between both sides of src/base/scram.ts, for tests.
 */
import { randomBytes } from "node:crypto";
import { ClientExchange, DerivedKeys, ServerExchange } from "../../src/base/scram.ts";
import { makeVerifier } from "../../src/base/verifier.ts";

export const CHEAP = { memoryKib: 8192, passes: 1 };
export const BINDING = randomBytes(32);
export const ANN = await makeVerifier("secret", CHEAP);
export const ANNS_KEYS = new DerivedKeys(() => "secret");
export const NEVER_ASKED = new DerivedKeys(() => {
  throw new Error("the password was asked for");
});

/** An exchange of ann's, up to what the client sends last. */
export async function meet({
  verifier = ANN,
  keys = ANNS_KEYS,
  bindings = [BINDING, BINDING],
} = {}) {
  const client = new ClientExchange("ann", keys, bindings[0] ?? BINDING);
  const server = new ServerExchange(bindings[1] ?? BINDING);
  const clientFirst = client.first();
  server.first(clientFirst);
  const serverFirst = server.challenge(verifier);
  return { client, server, clientFirst, serverFirst, clientFinal: await client.final(serverFirst) };
}
