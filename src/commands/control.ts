/** The operator's commands, on the local socket only. */
import { FtpxError } from "../base/errors.ts";
import { FINDINGS_MAX, USAGE_PAGE_ACCOUNTS_MAX } from "../base/limits.ts";
import type { Session } from "../sessions/session.ts";
import type { Amount } from "../state/contract.ts";

/**
 * What accounts have stored and may store, when they last signed in and how often they are
 * here, in the order of their names: all that there are, and those that are gone and have left
 * something.
 */
export async function usages(session: Session, { after }: { after: string }) {
  const { registry } = session;
  const { state } = registry.depot;
  // On a full disk the last seconds are not in it.
  await registry.attendance.write().catch(() => {});
  const [accounts, sightings] = await Promise.all([state.accounts(), state.seen()]);
  const seen = new Map(sightings.map(({ user, atMs }) => [user, atMs]));
  const sessions = [...registry.sessions];
  const here = Map.groupBy(sessions, ({ account }) => account?.name);
  const limitOf = (user: string): Amount => {
    const account = registry.accounts.get(user);
    return account === undefined ? { bytes: 0, files: 0 } : registry.limitOf(account);
  };
  const counted = new Map(accounts.map(({ user, account }) => [user, account]));
  const users = [...new Set([...counted.keys(), ...registry.accounts.keys()])];
  const behind = users.filter((user) => user > after).toSorted();
  return {
    usages: behind.slice(0, USAGE_PAGE_ACCOUNTS_MAX).map((user) => ({
      user,
      usedBytes: counted.get(user)?.used.bytes ?? 0,
      usedFiles: counted.get(user)?.used.files ?? 0,
      reservedBytes: counted.get(user)?.reserved.bytes ?? 0,
      reservedFiles: counted.get(user)?.reserved.files ?? 0,
      limitBytes: limitOf(user).bytes,
      limitFiles: limitOf(user).files,
      seenMs: seen.get(user),
      sessionCount: here.get(user)?.length ?? 0,
    })),
  };
}

/**
 * Removes what a removed account left: parts, ledger, home. @throws FtpxError
 * ACCOUNT_EXISTS when accounts.toml still names the account
 */
export async function purge(session: Session, { user }: { user: string }) {
  const { registry } = session;
  if (registry.accounts.has(user)) throw new FtpxError("ACCOUNT_EXISTS", { user });
  await registry.signOff(user);
  await registry.depot.purge(user);
  return {};
}

/** For a command that has changed accounts.toml: its change is in force when this is answered. */
export async function settleAccounts({ registry }: Session) {
  await registry.settleAccounts();
  return {};
}

/** What is wrong with a user's count and uploads; for an empty name, with the parts of all. */
export async function check(
  session: Session,
  { user, isFixing }: { user: string; isFixing: boolean },
) {
  const { accounts, depot } = session.registry;
  // Looking at a home makes it, and a name of nobody's is to get none.
  const isKnown = accounts.has(user) || (await depot.state.account(user)) !== undefined;
  if (user !== "" && !isKnown) return { findings: [] };
  const findings = user === "" ? depot.checkParts(isFixing) : depot.checkUser(user, isFixing);
  return { findings: (await findings).slice(0, FINDINGS_MAX) };
}

/** @throws FtpxError STATE_DAMAGED */
export async function verify(session: Session) {
  await session.registry.depot.state.verify();
  return {};
}
