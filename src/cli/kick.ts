/** `ftpx kick`: ends sessions at once. What they had open can be gone on with later. */
import { isUserName } from "../accounts/account.ts";
import { encodeText } from "../base/bytes.ts";
import { FtpxError } from "../base/errors.ts";
import { KICK_REASON_BYTES_MAX } from "../base/limits.ts";
import { formatCount } from "../base/units.ts";
import { report } from "./admin.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { withServer } from "./operator.ts";
import { placeOf } from "./place.ts";

const OPTIONS = {
  data: DATA,
  reason: {
    flags: "--reason <text>",
    about: "what those who are sent away are told",
    parse: parseReason,
  },
  user: { flags: "--user", about: "the word is a user's name, even if it is a number" },
  json: JSON_LINES,
} as const;

export const KICK: Spec<typeof OPTIONS> = {
  name: "kick",
  about: "Ends the sessions of a user, or one session by its number, at once",
  usage: "USER|SESSION",
  words: [1, 1],
  options: OPTIONS,
  examples: ["ftpx kick ann", "ftpx kick 42 --reason 'maintenance until noon'"],
};

export async function kick(
  [word = ""]: readonly string[],
  { data, reason = "", user: isUser, json }: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const wish = isUser === true ? { user: demandUser(word), session: 0 } : wishOf(word);
  const { count } = await withServer(placeOf(data), (client) =>
    client.call("kick", { ...wish, reason }),
  );
  report(
    json,
    { event: "kick", ...namedIn(wish), count },
    `${formatCount(count, "session")} ended`,
  );
}

/** The one of the two that was asked for. */
function namedIn({ user, session }: { user: string; session: number }) {
  return user === "" ? { session } : { user };
}

const SESSION_NUMBER_MAX = 0xffff_ffff;

/** A number is a session's. */
function wishOf(word: string): { user: string; session: number } {
  const number = /^[0-9]{1,10}$/.test(word) ? Number(word) : 0;
  if (number > 0 && number <= SESSION_NUMBER_MAX) return { user: "", session: number };
  return { user: demandUser(word), session: 0 };
}

/** @throws FtpxError USAGE */
function demandUser(word: string): string {
  if (isUserName(word)) return word;
  throw new FtpxError("USAGE", { reason: `"${word}" is neither a user name nor a session` });
}

/** @throws FtpxError USAGE */
function parseReason(text: string): string {
  if (encodeText(text).byteLength <= KICK_REASON_BYTES_MAX) return text;
  throw new FtpxError("USAGE", { reason: `a reason has at most ${KICK_REASON_BYTES_MAX} bytes` });
}
