/** `ftpx register` as a command: its words and options. The dialogue is applicant.ts. */
import { FtpxError } from "../base/errors.ts";
import { TICKET_BYTES } from "../base/limits.ts";
import { parseTarget } from "../client/target.ts";
import { registerAt } from "./applicant.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { interruptible } from "./interrupt.ts";
import { CONNECT_OPTIONS } from "./verbs/verb.ts";

const { acceptNew, plain, bind, passwordStdin } = CONNECT_OPTIONS;

const OPTIONS = {
  invite: {
    flags: "--invite <code>",
    about: "one that the operator has made: no waiting",
    parse: parseCode,
  },
  note: { flags: "--note <text>", about: "who you are, for the operator" },
  wait: { flags: "--wait", about: "until the operator has answered" },
  acceptNew,
  plain,
  bind,
  passwordStdin,
  json: { flags: "--json", about: "one JSON object a line on stdout" },
} as const;

export const REGISTER: Spec<typeof OPTIONS> = {
  name: "register",
  about: "Asks a server for an account, or takes one with an invite",
  usage: "TARGET",
  words: [1, 1],
  options: OPTIONS,
  examples: [
    "ftpx register ann@files.example.org --note 'Ann, third floor' --wait",
    "ftpx register ftpx://files.example.org:9999#sha256:Yb3n… --invite 5d41…",
  ],
};

export async function register(
  [word = ""]: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<number> {
  const target = parseTarget(word);
  return await interruptible(true, (signal) => registerAt(target, options, signal));
}

/** @throws FtpxError USAGE */
function parseCode(text: string): Uint8Array {
  const code = text.trim();
  if (/^[0-9a-f]+$/i.test(code) && code.length === 2 * TICKET_BYTES) {
    return new Uint8Array(Buffer.from(code, "hex"));
  }
  throw new FtpxError("USAGE", { reason: "--invite takes the code of the line you were given" });
}
