/**
 * What every ledger and journal does, whatever database keeps them. A state's own test
 * calls this with something that opens the same data again and again.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { bytes } from "../support/octets.ts";
import { failureOf } from "../support/refusal.ts";
import {
  digestsOf,
  intent,
  kindsOf,
  open,
  reopen,
  ROOM,
  setUp,
  state,
  sums,
  tearDown,
} from "./desk.ts";
import type { StatePlace } from "./desk.ts";
import { journalContract } from "./journal.ts";
import { ledgerContract } from "./ledger.ts";
import { registrationContract } from "./registrations.ts";

export function stateContract(name: string, make: () => StatePlace): void {
  beforeEach(() => setUp(make()));
  afterEach(tearDown);

  ledgerContract(name);
  journalContract(name);
  registrationContract(name);
  testBatches(name);
  testSurvival(name);
  testMeta(name);
  testCensus(name);
}

function testBatches(name: string): void {
  test(`${name}, R21: a call that fails leaves those made with it standing`, async () => {
    const limit = { bytes: 10, files: 10 };
    const kinds = await kindsOf([
      state.charge("ann", { bytes: 4, files: 1 }, limit),
      state.charge("ann", { bytes: 40, files: 1 }, limit),
      state.credit("bob", { bytes: 400, files: 1 }),
      state.addChunks("none", 0, digestsOf(1)),
      state.charge("ann", { bytes: 6, files: 1 }, limit),
      state.charge("ann", { bytes: 1, files: 1 }, limit),
    ]);

    expect(kinds).toEqual([
      "done",
      "QUOTA_EXCEEDED",
      "a defect",
      "a defect",
      "done",
      "QUOTA_EXCEEDED",
    ]);
    expect(await sums()).toEqual([10, 2, 0, 0]);
  });

  test(`${name}: calls take effect in the order in which they were made`, async () => {
    const { id } = await open();
    const work = Array.from({ length: 600 }, (_hole, index) =>
      state.addChunks(id, index, [bytes("00")]),
    );
    await Promise.all(work);

    expect(await state.upload(id)).toMatchObject({ chunkCount: 600 });
  });

  test(`${name}: a defect comes with its stack, and is no FtpxError`, async () => {
    const failure = await failureOf(state.addChunks("none", 0, digestsOf(1)));

    expect(failure).not.toBeInstanceOf(FtpxError);
    expect(String(failure)).toMatch(/does not hold 0 chunks[^]*journal/);
  });

  test(`${name}: close lets what was asked for end, and refuses what comes later`, async () => {
    const charges = Array.from({ length: 300 }, () =>
      state.charge("ann", { bytes: 1, files: 0 }, ROOM),
    );
    const closing = state.close();
    expect(new Set(await kindsOf(charges))).toEqual(new Set(["done"]));
    await closing;

    expect(await kindsOf([state.account("ann")])).toEqual(["STATE_FAILED"]);
    await reopen();
    expect(await sums()).toEqual([300, 0, 0, 0]);
  });
}

function testSurvival(name: string): void {
  test(`${name}: everything is there after it was closed and opened again`, async () => {
    const row = await open({ totalBytes: 3 * CHUNK_BYTES });
    await state.addChunks(row.id, 0, digestsOf(2));
    const gone = await open({ path: "/g" });
    await state.discard(gone.id);
    const published = await open({ path: "/h", totalBytes: 3 });
    await state.publishing(published.id, { bytes: 1, files: 1 });
    await state.charge("ann", { bytes: 4, files: 2 }, ROOM);
    const before = [await state.uploads(), await state.accounts()];
    await reopen();

    expect([await state.uploads(), await state.accounts()]).toEqual(before);
    expect(await state.digests(row.id, 0, 9)).toEqual(digestsOf(2));
    expect(
      (await state.openUpload(intent({ totalBytes: 3 * CHUNK_BYTES }))).isSameSource,
    ).toBeTrue();
  });
}

function testMeta(name: string): void {
  test(`${name}, A1: the secret is random, made once and kept`, async () => {
    const secret = await state.secret();
    expect(secret.byteLength).toBe(32);
    expect(await state.secret()).toEqual(secret);
    await reopen();

    expect(await state.secret()).toEqual(secret);
    expect(new Set(secret).size).toBeGreaterThan(4);
  });

  test(`${name}, Q8: a start says whether the last run was stopped properly`, async () => {
    expect(await state.markStarted()).toEqual({ wasClean: true });
    await reopen();
    expect(await state.markStarted()).toEqual({ wasClean: false });
    await state.markStopped();
    await reopen();

    expect(await state.markStarted()).toEqual({ wasClean: true });
  });
}

function testCensus(name: string): void {
  test(`${name}: the latest sign-in of each user is kept, also over a restart`, async () => {
    expect(await state.seen()).toEqual([]);
    await state.see([
      { user: "bob", atMs: 5 },
      { user: "ann", atMs: 1_700_000_000_000 },
    ]);
    await state.see([
      { user: "bob", atMs: 7 },
      { user: "ann", atMs: 3 },
    ]);
    await reopen();

    const both = [
      { user: "ann", atMs: 1_700_000_000_000 },
      { user: "bob", atMs: 7 },
    ];
    expect(await state.seen()).toEqual(both);
    await state.forget("ann");
    expect(await state.seen()).toEqual(both.slice(1));
  });

  test(`${name}: totals are the sums of all users`, async () => {
    const before = { usedBytes: 0, usedFiles: 0, reservedBytes: 0, uploads: 0 };
    expect(await state.totals()).toEqual(before);
    await state.recount("bob", { bytes: 5, files: 2 });
    await state.charge("ann", { bytes: 4, files: 1 }, ROOM);
    await open({ totalBytes: 3 });
    await open({ path: "/g", totalBytes: 0 });

    const after = { usedBytes: 9, usedFiles: 3, reservedBytes: 3, uploads: 2 };
    expect(await state.totals()).toEqual(after);
  });
}
