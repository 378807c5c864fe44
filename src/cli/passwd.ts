/**
 * `ftpx passwd` is two commands: `passwd NAME` sets an account's password in the data
 * directory of this machine, `passwd TARGET` changes one's own on a server (verbs/renew.ts).
 * No name of an account has `@`, `:`, `/` or a bracket, and what has none of them is a name:
 * a host alone is written `ftpx://HOST`.
 */
import { FtpxError } from "../base/errors.ts";
import { formatVerifier, makeVerifier } from "../base/verifier.ts";
import { PASSWORD_STDIN, report } from "./admin.ts";
import { DATA, JSON_LINES, parseWords } from "./args.ts";
import type { OptionsOf, OptionSpecs, Spec } from "./args.ts";
import { tellingAccounts } from "./chronicle.ts";
import { runOneShot } from "./oneshot.ts";
import { readNewPassword } from "./passwords.ts";
import { keepingOwner } from "./ownership.ts";
import { placeOf } from "./place.ts";
import { PASSWD } from "./verbs/renew.ts";
import { specOf } from "./verbs/verb.ts";

const OPTIONS = { data: DATA, passwordStdin: PASSWORD_STDIN, json: JSON_LINES } as const;

const SET_SPEC: Spec<typeof OPTIONS> = {
  name: "passwd",
  about: "Sets the password of an account",
  usage: "NAME",
  words: [1, 1],
  options: OPTIONS,
  examples: ["ftpx passwd ann"],
};

const OWN_SPEC = specOf(PASSWD, "one-shot");

/** What either of them takes, for the help and to find the word. */
export const PASSWD_SPEC: Spec = {
  ...SET_SPEC,
  about: "Sets the password of an account of this machine, or your own on a server",
  usage: "NAME | TARGET",
  options: {
    ...(OWN_SPEC?.options as OptionSpecs),
    ...OPTIONS,
    passwordStdin: {
      flags: "--password-stdin",
      about: "from stdin: NAME's new one; for TARGET two lines, the current and the new one",
    },
  },
  examples: [...SET_SPEC.examples, ...(OWN_SPEC?.examples ?? []), "ftpx passwd ftpx://localhost"],
};

/** @returns the exit status */
export async function runPasswd(words: readonly string[]): Promise<number> {
  const [word = ""] = parseWords(PASSWD_SPEC, words).words;
  if (/[@:/[]/.test(word)) return await runOneShot(PASSWD, words);
  const { words: names, options } = parseWords(SET_SPEC, words);
  const place = placeOf(options.data);
  const work = () => tellingAccounts(place, () => setPassword(names, options));
  await keepingOwner(place, work);
  return 0;
}

async function setPassword(
  [name = ""]: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const directory = await placeOf(options.data).openAccounts();
  if (directory.find(name) === undefined) throw new FtpxError("NO_SUCH_ACCOUNT", { user: name });
  const password = await readNewPassword(name, options.passwordStdin === true);
  await directory.set(name, { password: formatVerifier(await makeVerifier(password)) });
  report(options.json, { event: "passwd", user: name }, `password of ${name} changed`);
}
