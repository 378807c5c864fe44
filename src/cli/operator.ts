/**
 * The running server of a data directory, over the operator's socket: for commands that make
 * sense only while it runs, and to find out whether it does. What can be done without one as
 * well is office.ts.
 */
import { access } from "node:fs/promises";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import type { Client, ReplyOf } from "../client/client.ts";
import { connectOperator } from "../client/connect.ts";
import { allRows } from "../client/pages.ts";
import type { Place } from "./place.ts";

export type Presence = ReplyOf<"sessions">["sessions"][number];

/** @throws FtpxError NO_SERVER, NO_PERMISSION, and what `work` throws */
export async function withServer<Value>(
  place: Place,
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  const client = await openServer(place);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** @throws FtpxError NO_SERVER, NO_PERMISSION */
async function openServer(place: Place): Promise<Client> {
  try {
    await access(place.operatorSocket);
    return await connectOperator(place.operatorSocket);
  } catch (error) {
    const failure = errorOfSystem(error);
    // No socket, or nobody behind it.
    if (!isKind(failure, "NO_SUCH_PATH", "NOT_A_DIRECTORY", "UNREACHABLE"))
      throw withPath(failure, place.own);
    throw new FtpxError("NO_SERVER", { path: place.root });
  }
}

/** Nothing where no server answers: the lock on the state tells the rest. */
export async function findServer(place: Place): Promise<Client | undefined> {
  try {
    return await openServer(place);
  } catch {
    return undefined;
  }
}

/** Whether a server answers. */
export async function isServed(place: Place): Promise<boolean> {
  const client = await findServer(place);
  client?.close();
  return client !== undefined;
}

/** Everybody who is here, in the order in which they came. */
export async function allSessions(client: Client): Promise<Presence[]> {
  const pageBehind = async (after: number) => (await client.call("sessions", { after })).sessions;
  return await allRows(0, pageBehind, ({ id }) => id);
}
