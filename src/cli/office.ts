/**
 * What only the owner of the state can tell or do: through the operator's socket when a
 * server runs, else with the state opened here for as long as it takes.
 */
import { access } from "node:fs/promises";
import { isKind } from "../base/errors.ts";
import type { Client } from "../client/client.ts";
import { connectOperator } from "../client/connect.ts";
import type { Account } from "../state/contract.ts";
import { openState } from "../state/state.ts";
import { Digests } from "../store/digests.ts";
import { openDiskStore } from "../store/disk.ts";
import { Depot } from "../vfs/depot.ts";
import type { Place } from "./place.ts";

export interface StoredUsage {
  readonly usedBytes: number;
  readonly usedFiles: number;
  readonly reservedBytes: number;
}

export interface Office {
  /** By user; whoever was never counted is not in it. */
  usages(): Promise<ReadonlyMap<string, StoredUsage>>;
  /** Removes all that a removed account left. */
  purge(user: string): Promise<void>;
}

/** A server that was just told of a removed account sees it within this time. */
const FOLLOW_MS_MAX = 3_000;

/** @throws FtpxError SERVER_RUNNING when the server neither answers nor lets go */
export async function withOffice<Value>(
  place: Place,
  work: (office: Office) => Promise<Value>,
): Promise<Value> {
  const client = await findServer(place);
  if (client === undefined) return await withOwnState(place, work);
  try {
    return await work(remoteOffice(client));
  } finally {
    client.close();
  }
}

async function findServer(place: Place): Promise<Client | undefined> {
  try {
    await access(place.operatorSocket);
    return await connectOperator(place.operatorSocket);
  } catch {
    // No socket, or nobody behind it: the lock on the state tells the rest.
    return undefined;
  }
}

function remoteOffice(client: Client): Office {
  return {
    usages: () => allUsages(client),
    purge: async (user) => {
      const deadlineMs = performance.now() + FOLLOW_MS_MAX;
      for (;;) {
        try {
          await client.call("purge", { user });
          return;
        } catch (error) {
          if (!isKind(error, "ACCOUNT_EXISTS") || performance.now() > deadlineMs) throw error;
          await Bun.sleep(50);
        }
      }
    },
  };
}

async function allUsages(client: Pick<Client, "call">): Promise<Map<string, StoredUsage>> {
  const all = new Map<string, StoredUsage>();
  let after = "";
  for (;;) {
    const { usages } = await client.call("usages", { after });
    const last = usages.at(-1);
    // A server whose pages do not advance would keep us here for ever.
    if (last === undefined || last.user <= after) return all;
    for (const { user, ...usage } of usages) all.set(user, usage);
    after = last.user;
  }
}

async function withOwnState<Value>(
  place: Place,
  work: (office: Office) => Promise<Value>,
): Promise<Value> {
  await place.prepare();
  const state = await openState(place.stateFile);
  const store = await openDiskStore(place.storage);
  const depot = new Depot(state, store, new Digests());
  try {
    return await work({
      usages: async () => {
        const accounts = await state.accounts();
        return new Map(accounts.map(({ user, account }) => [user, storedUsage(account)]));
      },
      purge: (user) => depot.purge(user),
    });
  } finally {
    await depot.close();
  }
}

function storedUsage(account: Account): StoredUsage {
  const { used, reserved } = account;
  return { usedBytes: used.bytes, usedFiles: used.files, reservedBytes: reserved.bytes };
}
