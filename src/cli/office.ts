/**
 * What only the owner of the state can tell or do: through the operator's socket when a
 * server runs, else with the state opened here for as long as it takes.
 */
import { rename } from "node:fs/promises";
import { errorOfSystem, FtpxError, isKind } from "../base/errors.ts";
import { HOME } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Client, ReplyOf } from "../client/client.ts";
import { allRows } from "../client/pages.ts";
import type { Account } from "../state/contract.ts";
import { openState } from "../state/state.ts";
import { Digests } from "../store/digests.ts";
import { openDiskStore } from "../store/disk.ts";
import { Depot } from "../vfs/depot.ts";
import type { Finding } from "../vfs/findings.ts";
import { tellStopped } from "./chronicle.ts";
import { ownDesk, remoteDesk } from "./desk.ts";
import type { Desk } from "./desk.ts";
import { findServer, isServed } from "./operator.ts";
import type { Place } from "./place.ts";

export type UnfinishedUpload = ReplyOf<"uploadsOf">["uploads"][number];

export interface StoredUsage {
  readonly usedBytes: number;
  readonly usedFiles: number;
  readonly reservedBytes: number;
  readonly reservedFiles: number;
  /** Known to a running server, whose options decide about accounts that name none. */
  readonly limitBytes?: number;
  readonly limitFiles?: number;
  /** When the user last signed in. */
  readonly seenMs?: number | undefined;
  /** Known to a running server. */
  readonly sessionCount?: number;
}

export interface Office {
  /** Whether a server runs. */
  readonly isServed: boolean;
  /** By user; whoever was never counted is not in it. */
  usages(): Promise<ReadonlyMap<string, StoredUsage>>;
  /** Removes all that a removed account left. */
  purge(user: string): Promise<void>;
  /** What is wrong with a user's count and uploads; for an empty name, with the parts of all. */
  check(user: string, isFixing: boolean): Promise<readonly Finding[]>;
  /** Uploads of a user that were cut off, or are under way. */
  uploads(user: string): Promise<readonly UnfinishedUpload[]>;
  /**
   * @param isForced also when a session sends to there: its transfer ends
   * @returns how large it was to become @throws FtpxError NO_SUCH_PATH, UPLOAD_BUSY
   */
  dropUpload(user: string, path: VirtualPath, isForced: boolean): Promise<number>;
  /** @throws FtpxError STATE_DAMAGED */
  verify(): Promise<void>;
  /** Requests for an account, and invites. */
  readonly desk: Desk;
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

function remoteOffice(client: Client): Office {
  return {
    isServed: true,
    desk: remoteDesk(client),
    usages: () => allUsages(client),
    check: async (user, isFixing) => (await client.call("check", { user, isFixing })).findings,
    uploads: (user) => allUploads(client, user),
    dropUpload: async (user, path, isForced) =>
      (await client.call("dropUploadOf", { user, path, isForced })).totalBytes,
    verify: async () => void (await client.call("verify", {})),
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

async function allUsages(client: Client): Promise<Map<string, StoredUsage>> {
  const pageBehind = async (after: string) => (await client.call("usages", { after })).usages;
  const rows = await allRows("", pageBehind, ({ user }) => user);
  return new Map(rows.map(({ user, ...usage }) => [user, usage]));
}

async function allUploads(client: Client, user: string): Promise<UnfinishedUpload[]> {
  const pageBehind = async (path: VirtualPath) => {
    const after = path === HOME ? undefined : path;
    return (await client.call("uploadsOf", { user, after })).uploads;
  };
  return await allRows(HOME, pageBehind, ({ path }) => path);
}

async function withOwnState<Value>(
  place: Place,
  work: (office: Office) => Promise<Value>,
): Promise<Value> {
  return await withOwnDepot(place, (depot) =>
    work({
      isServed: false,
      desk: ownDesk(place, depot),
      usages: async () => {
        const [accounts, sightings] = [await depot.state.accounts(), await depot.state.seen()];
        const seen = new Map(sightings.map(({ user, atMs }) => [user, atMs]));
        return new Map(
          accounts.map(({ user, account }) => [
            user,
            { ...storedUsage(account), seenMs: seen.get(user) },
          ]),
        );
      },
      purge: (user) => depot.purge(user),
      check: (user, isFixing) =>
        user === "" ? depot.checkParts(isFixing) : depot.checkUser(user, isFixing),
      uploads: (user) => depot.uploads(user),
      dropUpload: async (user, path) => {
        const bytes = await depot.dropUpload(user, path);
        await tellStopped(place, [{ event: "upload-dropped", name: user, path, bytes }]);
        return bytes;
      },
      verify: () => depot.state.verify(),
    }),
  );
}

async function withOwnDepot<Value>(
  place: Place,
  work: (depot: Depot) => Promise<Value>,
): Promise<Value> {
  await place.prepare();
  const state = await openState(place.stateFile);
  const store = await openDiskStore(place.storage);
  const depot = new Depot(state, store, new Digests());
  try {
    return await work(depot);
  } finally {
    await depot.close();
  }
}

/**
 * Sets a damaged database aside and counts the homes into a new one. Unfinished uploads were
 * known to the old one only: they begin anew.
 *
 * @throws FtpxError SERVER_RUNNING
 */
export async function replaceDamagedState(place: Place, users: readonly string[]): Promise<void> {
  if (await isServed(place)) throw new FtpxError("SERVER_RUNNING");
  const suffix = `.damaged-${Date.now()}`;
  for (const name of [place.stateFile, `${place.stateFile}-wal`]) {
    await rename(name, `${name}${suffix}`).catch((error: unknown) => {
      if (!isKind(errorOfSystem(error), "NO_SUCH_PATH")) throw errorOfSystem(error);
    });
  }
  await withOwnDepot(place, async (depot) => {
    for (const user of users) await depot.recount(user);
  });
}

function storedUsage(account: Account): StoredUsage {
  const { used, reserved } = account;
  return {
    usedBytes: used.bytes,
    usedFiles: used.files,
    reservedBytes: reserved.bytes,
    reservedFiles: reserved.files,
  };
}
