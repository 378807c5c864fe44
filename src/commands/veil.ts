/**
 * What an account hears that may store and not look. It must not learn what is there: not the
 * kind of what is in its way, nor where a path that leads nowhere ends. That a name is taken
 * is the one thing that cannot be kept from it, because nothing is replaced.
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
