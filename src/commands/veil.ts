/**
 * What an account hears that may store and not look. It is not told what is there: not the
 * kind of what is in its way, nor where a path that leads nowhere ends. Of a name that it
 * guesses it finds out whether it is taken, because nothing is replaced, and whether it is a
 * directory, because that takes what is stored below it: no answer of a makeDir hides that.
 */
import { FtpxError, isKind } from "../base/errors.ts";
import type { Session } from "../sessions/session.ts";

/** @throws FtpxError what `work` throws; EXISTS or NO_SUCH_PATH in the place of more exact ones */
export async function veiled<Value>(
  session: Pick<Session, "may">,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (session.may("read")) throw error;
    if (isKind(error, "IS_A_DIRECTORY", "NOT_A_FILE", "SAME_NAME")) throw new FtpxError("EXISTS");
    // Of links too: that one is there, and where it leads.
    if (isKind(error, "NOT_A_DIRECTORY", "OUTSIDE_HOME")) throw new FtpxError("NO_SUCH_PATH");
    throw error;
  }
}
