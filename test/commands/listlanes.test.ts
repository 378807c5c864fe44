import { expect, test } from "bun:test";
import { Lanes } from "../../src/base/lanes.ts";
import { FtpxError } from "../../src/base/errors.ts";
import { HOME } from "../../src/base/path.ts";
import { list } from "../../src/commands/files.ts";
import type { Session } from "../../src/sessions/session.ts";
import { outcomeOf } from "../support/refusal.ts";
import { turn } from "../support/socket.ts";

/** A session whose directories are read when the test says so. */
function sessionWith(listLanes: Lanes, reads: PromiseWithResolvers<void>[]) {
  const ending = new AbortController();
  const read = async () => {
    const reading = Promise.withResolvers<void>();
    reads.push(reading);
    await reading.promise;
  };
  const session = {
    registry: { listLanes },
    signal: ending.signal,
    vfs: { list: read },
    listings: { begin: async () => ({ entries: [], cursor: 0 }), next: read },
  };
  return { session: session as unknown as Session, ending };
}

test("so many pages are made at once, of all sessions together, the others in their order", async () => {
  const lanes = new Lanes(2);
  const reads: PromiseWithResolvers<void>[] = [];
  const asked = [0, 7, 0].map((cursor) =>
    list(sessionWith(lanes, reads).session, { path: HOME, cursor }),
  );
  await turn();
  expect(reads).toHaveLength(2);
  reads[0]?.resolve();
  await turn();
  expect(reads).toHaveLength(3);
  for (const reading of reads) reading.resolve();
  await Promise.all(asked);
});

test("a page that fails, and one for a session that has gone, leave the lane to the next", async () => {
  const lanes = new Lanes(1);
  const reads: PromiseWithResolvers<void>[] = [];
  const request = { path: HOME, cursor: 0 };
  const failing = list(sessionWith(lanes, reads).session, request);
  const { session, ending } = sessionWith(lanes, reads);
  const gone = list(session, request);
  const last = list(sessionWith(lanes, reads).session, request);
  const outcomes = Promise.all([outcomeOf(failing), outcomeOf(gone)]);
  ending.abort(new FtpxError("CONNECTION_LOST"));
  await turn();
  reads[0]?.reject(new FtpxError("IO_FAILED"));

  expect(await outcomes).toEqual(["IO_FAILED", "CONNECTION_LOST"]);
  await turn();
  expect(reads).toHaveLength(2);
  reads[1]?.resolve();
  await last;
});
