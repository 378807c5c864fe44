/** Where passwords come from: stdin, the environment, or a question; never an argument. */
import { FtpxError } from "../base/errors.ts";
import { askPassword, canAsk, readInputLine } from "./terminal.ts";

/** A password to be set: asked twice in a terminal. @throws FtpxError NO_PASSWORD, USAGE */
export async function readNewPassword(user: string, isOnStdin: boolean): Promise<string> {
  const given = isOnStdin ? ((await readInputLine()) ?? "") : process.env["FTPX_PASSWORD"];
  if (given !== undefined) return demandText(given);
  return await askNewPassword(`password for ${user}`);
}

/** Twice. @throws FtpxError NO_PASSWORD without a terminal, USAGE, INTERRUPTED */
export async function askNewPassword(question: string): Promise<string> {
  if (!canAsk()) throw new FtpxError("NO_PASSWORD");
  const first = demandText(await askPassword(question));
  if (first !== (await askPassword("the same again"))) {
    throw new FtpxError("USAGE", { reason: "the two passwords differ" });
  }
  return first;
}

/** @throws FtpxError USAGE */
export function demandText(password: string): string {
  if (password === "") throw new FtpxError("USAGE", { reason: "an empty password is no password" });
  return password;
}
