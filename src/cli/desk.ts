/**
 * The operator's side of registration, wherever it is decided: by the running server, or here
 * when there is none. Both decide by the same Admission (sessions/admission.ts).
 */
import { FtpxError } from "../base/errors.ts";
import type { EventSink, ServerEvent } from "../base/events.ts";
import type { AccountDirectory } from "../accounts/directory.ts";
import type { Client, ReplyOf, RequestOf } from "../client/client.ts";
import { Admission } from "../sessions/admission.ts";
import type { Depot } from "../vfs/depot.ts";
import { tellStopped } from "./chronicle.ts";
import type { Place } from "./place.ts";

export type WaitingRow = ReplyOf<"registrations">["registrations"][number];
export type InviteLine = ReplyOf<"invites">["invites"][number];

export interface Desk {
  /** The requests that wait, the oldest first. */
  waiting(): Promise<readonly WaitingRow[]>;
  /** @throws FtpxError NOT_WAITING, ACCOUNT_EXISTS, … */
  decide(decision: RequestOf<"decide">): Promise<void>;
  /** The port is 0 where no server tells it. */
  invite(wish: RequestOf<"invite">): Promise<ReplyOf<"invite">>;
  invites(): Promise<readonly InviteLine[]>;
  /** @returns whether it was open */
  revokeInvite(number: number): Promise<boolean>;
}

export function remoteDesk(client: Client): Desk {
  return {
    waiting: async () => (await client.call("registrations", {})).registrations,
    decide: async (decision) => void (await client.call("decide", decision)),
    invite: (wish) => client.call("invite", wish),
    invites: async () => (await client.call("invites", {})).invites,
    revokeInvite: async (number) => (await client.call("revokeInvite", { number })).isRevoked,
  };
}

export function ownDesk(place: Place, depot: Depot): Desk {
  const directory = place.accounts();
  const events: ServerEvent[] = [];
  const admission = admissionOf(directory, depot, (event) => void events.push(event));
  const telling = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work;
    } finally {
      await tellStopped(place, events.splice(0));
    }
  };
  return {
    waiting: async () => {
      await directory.load();
      return await admission.waiting();
    },
    decide: async (decision) => {
      await directory.load();
      await telling(admission.decide(decision));
    },
    invite: async ({ user, lifeMs, ...limits }) => {
      await directory.load();
      const made = await telling(admission.invite(user, limits, lifeMs));
      return { ...made, host: "", port: 0 };
    },
    invites: () => admission.invites(),
    revokeInvite: (number) => telling(admission.revokeInvite(number)),
  };
}

function admissionOf(directory: AccountDirectory, depot: Depot, emit: EventSink): Admission {
  return new Admission(
    {
      state: depot.state,
      accounts: () => directory.accounts,
      add: (user, fields) => directory.add(user, fields),
      set: (user, changes) => directory.set(user, changes),
      makeHome: (user) => depot.makeHome(user),
      hasLeft: (user) => depot.hasLeft(user),
      emit,
    },
    "open",
  );
}

/** A request of a name, or the one with a number. @throws FtpxError NOT_WAITING, USAGE */
export function pick(
  rows: readonly WaitingRow[],
  name: string,
  number: number | undefined,
): WaitingRow {
  const ofName = rows.filter(({ user }) => user === name);
  const found = number === undefined ? ofName : ofName.filter((row) => row.number === number);
  const [first, ...others] = found;
  if (first === undefined) {
    const which = number === undefined ? "" : ` with number ${number}`;
    const reason = `no request of ${name}${which} waits (ftpx pending lists them)`;
    throw new FtpxError("NOT_WAITING", { reason });
  }
  if (others.length > 0) {
    const numbers = found.map((row) => row.number).join(", ");
    const reason = `several requests of ${name} wait: say which with --request (${numbers})`;
    throw new FtpxError("USAGE", { reason });
  }
  return first;
}
