/** Where passwords come from: stdin, the environment, or a question; never an argument. */
import { FtpxError } from "../base/errors.ts";
import { PASSWORD_CHARACTERS_ADVISED } from "../base/limits.ts";
import { readInputLine } from "./input.ts";
import { askPassword } from "./hidden.ts";
import { canAsk, writeNote } from "./terminal.ts";

/** A password to be set: asked twice in a terminal. @throws FtpxError NO_PASSWORD, USAGE */
export async function readNewPassword(user: string, isOnStdin: boolean): Promise<string> {
  const given = isOnStdin ? ((await readInputLine()) ?? "") : process.env["FTPX_PASSWORD"];
  if (given !== undefined) return told(demandText(given));
  return await askNewPassword(`password for ${user}`);
}

/**
 * Twice; asked again while the two differ. A short one is warned of and taken,
 * because who types it may know better.
 *
 * @throws FtpxError NO_PASSWORD without a terminal, INTERRUPTED
 */
export async function askNewPassword(question: string): Promise<string> {
  if (!canAsk()) throw new FtpxError("NO_PASSWORD");
  for (;;) {
    const first = await askPassword(question);
    if (isShort(first)) {
      writeNote(`${SHORT}; type it again, and it is taken all the same`);
    }
    if (first === (await askPassword("the same again"))) return first;
    writeNote("the two passwords differ: once more");
  }
}

const SHORT = `fewer than ${PASSWORD_CHARACTERS_ADVISED} characters are soon guessed`;

function isShort(password: string): boolean {
  return Array.from(password).length < PASSWORD_CHARACTERS_ADVISED;
}

/** Nobody is there who could think of another one. */
function told(password: string): string {
  if (isShort(password)) writeNote(`ftpx: a short password is taken: ${SHORT}`);
  return password;
}

/** @throws FtpxError USAGE */
export function demandText(password: string): string {
  if (password === "") throw new FtpxError("USAGE", { reason: "an empty password is no password" });
  return password;
}
