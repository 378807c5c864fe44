/**
 * Rows of THE TABLE (table.ts) about secrets of a user: sign-in by key, and the change of
 * one's own password. What they do is keys.ts and renewals.ts.
 */
import { u32 } from "../wire/shape.ts";
import { command } from "./command.ts";
import { challenge, proof, publicKey, salt, signature, signInName, verifier } from "./fields.ts";
import * as keys from "./keys.ts";
import * as renewals from "./renewals.ts";

export const SECRETS = {
  keyFirst: command({
    code: 0x12,
    needs: "hello",
    about: "begins a sign-in by key; answered by what is to be signed with it",
    request: { user: signInName, publicKey },
    reply: { nonce: challenge },
    run: keys.keyFirst,
  }),
  keyFinal: command({
    code: 0x13,
    needs: "hello",
    about: "the signature; signs in",
    request: { signature },
    reply: {},
    run: keys.keyFinal,
  }),
  passwordFirst: command({
    code: 0x14,
    needs: "sign-in",
    about: "begins a change of one's own password; answered by what its proof is made of",
    request: {},
    reply: { salt, memoryKib: u32, passes: u32, nonce: challenge },
    run: renewals.passwordFirst,
  }),
  passwordFinal: command({
    code: 0x15,
    needs: "sign-in",
    about: "proves the current password; sets the new one, and other sessions with the old one end",
    request: { proof, verifier },
    reply: {},
    run: renewals.passwordFinal,
  }),
} as const;
