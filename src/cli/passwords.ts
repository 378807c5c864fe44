/** Where passwords come from: stdin, the environment, or a question; never an argument. */
import { FtpxError } from "../base/errors.ts";
import { PASSWORD_BYTES_MAX } from "../base/limits.ts";
import { askPassword, canAsk } from "./terminal.ts";

/** A password to be set: asked twice in a terminal. @throws FtpxError NO_PASSWORD, USAGE */
export async function readNewPassword(user: string, isOnStdin: boolean): Promise<string> {
  const given = isOnStdin ? await readLine() : process.env["FTPX_PASSWORD"];
  if (given !== undefined) return demandText(given);
  if (!canAsk()) throw new FtpxError("NO_PASSWORD");
  const first = demandText(await askPassword(`password for ${user}`));
  if (first !== (await askPassword("the same again"))) {
    throw new FtpxError("USAGE", { reason: "the two passwords differ" });
  }
  return first;
}

/** The first line of stdin, bounded, without its line end. */
export async function readLine(): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of Bun.stdin.stream()) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n") || text.length > 4 * PASSWORD_BYTES_MAX) break;
  }
  return (text.split("\n")[0] ?? "").replace(/\r$/, "");
}

function demandText(password: string): string {
  if (password === "") throw new FtpxError("USAGE", { reason: "an empty password is no password" });
  return password;
}
