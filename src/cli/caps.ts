/**
 * How many `ftpx serve` lets in, as options: in all, of one address, of one account; and which
 * addresses many people share. What fits the system goes before what was asked for.
 */
import { SESSIONS_MAX } from "../base/limits.ts";
import { parseCount } from "../base/units.ts";
import { parseNetwork } from "../sessions/networks.ts";
import type { PorterSettings } from "../sessions/porter.ts";
import type { OptionsOf } from "./args.ts";
import { sessionsThatFit } from "./descriptors.ts";

export const CAP_OPTIONS = {
  maxSessions: {
    flags: "--max-sessions <n>",
    about: `most sessions at once (${SESSIONS_MAX})`,
    parse: parseCount,
  },
  maxPerSource: {
    flags: "--max-per-source <n>",
    about: "most sessions of one address or IPv6 /64 (half of all)",
    parse: parseCount,
  },
  maxPerUser: {
    flags: "--max-per-user <n>",
    about: "most sessions of one account (a quarter of all)",
    parse: parseCount,
  },
  exempt: {
    flags: "--exempt <network>",
    about: "many people share this address or network, so it is not shut out as a whole",
    parse: parseNetwork,
    isList: true,
  },
} as const;

/** @throws FtpxError BAD_CONFIG when there is no room at all */
export async function capsOf(options: OptionsOf<typeof CAP_OPTIONS>): Promise<PorterSettings> {
  const { maxSessions = SESSIONS_MAX, maxPerSource, maxPerUser, exempt } = options;
  return {
    sessionsMax: await sessionsThatFit(maxSessions),
    sourceSessionsMax: maxPerSource,
    userSessionsMax: maxPerUser,
    exempt,
  };
}
