/**
 * What every ledger and journal does, whatever database keeps them. A state's own test
 * calls this with something that opens the same data again and again.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import type { Account, Amount, State, UploadIntent, UploadRow } from "../../src/state/contract.ts";
import { Chance, withChance } from "../support/chance.ts";
import { bytes } from "../support/octets.ts";
import { refusal } from "../support/refusal.ts";

export interface StatePlace {
  /** Opens what lies there; the one before is closed. */
  open(): Promise<State>;
  remove(): void;
}

const MIB = 1024 * 1024;
const ROOM: Amount = { bytes: 100 * MIB, files: 10 };
const NOTHING: Amount = { bytes: 0, files: 0 };
const SOURCE = bytes("01 02 03");

let place: StatePlace;
let state: State;

export function stateContract(name: string, make: () => StatePlace): void {
  beforeEach(async () => {
    place = make();
    state = await place.open();
    await state.recount("ann", NOTHING);
  });
  afterEach(async () => {
    await state.close();
    place.remove();
  });

  testLedger(name);
  testReservations(name);
  testResuming(name);
  testChunks(name);
  testPublishing(name);
  testAge(name);
  testBatches(name);
  testSurvival(name);
  testMeta(name);
}

function intent(wish: Partial<UploadIntent> = {}): UploadIntent {
  const usual = {
    user: "ann",
    path: "/f",
    totalBytes: 10 * MIB,
    modifiedMs: 5,
    source: SOURCE,
    algorithm: "sha256",
    isFresh: false,
    limit: ROOM,
  } as const;
  return { ...usual, ...wish };
}

async function open(wish: Partial<UploadIntent> = {}): Promise<UploadRow> {
  const { row } = await state.openUpload(intent(wish));
  return row;
}

async function accountOf(user = "ann"): Promise<Account> {
  const account = await state.account(user);
  if (account === undefined) throw new Error(`no account of ${user}`);
  return account;
}

/** Used bytes and files, reserved bytes and files. */
async function sums(user = "ann"): Promise<number[]> {
  const { used, reserved } = await accountOf(user);
  return [used.bytes, used.files, reserved.bytes, reserved.files];
}

function digestsOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_hole, index) => new Uint8Array(32).fill(index));
}

/** The outcomes of promises by kind, without waiting for one before the next. */
async function kindsOf(work: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((outcome) => {
    if (outcome.status === "fulfilled") return "done";
    return (outcome.reason as { kind?: string }).kind ?? "a defect";
  });
}

function testLedger(name: string): void {
  test(`${name}: nothing is known of a user who was never counted`, async () => {
    expect(await state.account("bob")).toBeUndefined();
    expect(await state.accounts()).toEqual([
      { user: "ann", account: { used: NOTHING, reserved: NOTHING } },
    ]);
  });

  test(`${name}: charge and credit count up and down`, async () => {
    await state.charge("ann", { bytes: 70, files: 2 }, ROOM);
    await state.credit("ann", { bytes: 30, files: 1 });

    expect(await sums()).toEqual([40, 1, 0, 0]);
  });

  test(`${name}: a charge is granted up to the limit and refused one byte above`, async () => {
    const limit = { bytes: 100, files: 10 };
    await state.charge("ann", { bytes: 60, files: 1 }, limit);
    const details = { neededBytes: 41, freeBytes: 40, limitBytes: 100 };

    expect(state.charge("ann", { bytes: 41, files: 1 }, limit)).rejects.toThrow(
      refusal("QUOTA_EXCEEDED", details),
    );
    await state.charge("ann", { bytes: 40, files: 1 }, limit);
    expect(await sums()).toEqual([100, 2, 0, 0]);
  });

  test(`${name}, Q11: files are counted and refused as bytes are, also those of no bytes`, async () => {
    const limit = { bytes: 100, files: 2 };
    await state.charge("ann", { bytes: 0, files: 2 }, limit);
    const details = { needed: 1, free: 0, limit: 2 };

    expect(state.charge("ann", { bytes: 0, files: 1 }, limit)).rejects.toThrow(
      refusal("FILES_EXCEEDED", details),
    );
    expect(state.openUpload(intent({ totalBytes: 0, limit }))).rejects.toThrow(
      refusal("FILES_EXCEEDED", details),
    );
    expect(await sums()).toEqual([0, 2, 0, 0]);
  });

  test(`${name}: what takes no room is granted when the quota was lowered below the use`, async () => {
    await state.charge("ann", { bytes: 100, files: 1 }, ROOM);
    const lowered = { bytes: 50, files: 10 };
    await state.charge("ann", { bytes: 0, files: 1 }, lowered);
    const details = { neededBytes: 1, freeBytes: 0, limitBytes: 50 };

    expect(state.charge("ann", { bytes: 1, files: 0 }, lowered)).rejects.toThrow(
      refusal("QUOTA_EXCEEDED", details),
    );
  });

  test(`${name}, INV: a credit below zero is a defect and changes nothing`, async () => {
    await state.charge("ann", { bytes: 10, files: 1 }, ROOM);
    const work = [
      state.credit("ann", { bytes: 11, files: 1 }),
      state.credit("ann", { bytes: 1, files: 2 }),
      state.credit("bob", { bytes: 1, files: 0 }),
    ];

    expect(await kindsOf(work)).toEqual(["a defect", "a defect", "a defect"]);
    expect(await sums()).toEqual([10, 1, 0, 0]);
  });

  test(`${name}: a charge to nobody is a defect`, async () => {
    const work = [state.charge("bob", NOTHING, ROOM), state.openUpload(intent({ user: "bob" }))];

    expect(await kindsOf(work)).toEqual(["a defect", "a defect"]);
    expect(await state.account("bob")).toBeUndefined();
  });

  test(`${name}, Q8: a recount sets what is used and keeps what uploads reserve`, async () => {
    await open({ path: "/f", totalBytes: 5 });
    await open({ path: "/g", totalBytes: 6 });
    await state.recount("ann", { bytes: 1000, files: 3 });

    expect(await sums()).toEqual([1000, 3, 11, 2]);
  });

  test(`${name}: users do not share anything`, async () => {
    await state.recount("al", NOTHING);
    await open({ totalBytes: 7 });
    await state.charge("al", { bytes: 3, files: 1 }, ROOM);

    expect(await sums("ann")).toEqual([0, 0, 7, 1]);
    expect(await sums("al")).toEqual([3, 1, 0, 0]);
    expect((await state.accounts()).map(({ user }) => user)).toEqual(["al", "ann"]);
  });

  test(`${name}, I2: names are values, whatever they look like`, async () => {
    const names = ["x'; DROP TABLE accounts; --", "__proto__", 'a"]\n[users.root]', "", "é"];
    for (const user of names) {
      await state.recount(user, { bytes: 1, files: 1 });
      await open({ user, path: `/${user}`, totalBytes: 2 });
    }

    for (const user of names) expect(await sums(user)).toEqual([1, 1, 2, 1]);
  });

  test(`${name}, R33: what is used is exact up to 2^53-1`, async () => {
    const limit = { bytes: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER };
    await state.recount("ann", { bytes: 2 ** 53 - 3, files: 2 ** 53 - 3 });
    await state.charge("ann", { bytes: 1, files: 1 }, limit);
    expect(await kindsOf([state.charge("ann", { bytes: 2, files: 0 }, limit)])).toEqual([
      "QUOTA_EXCEEDED",
    ]);
    const { id } = await open({ totalBytes: 1, modifiedMs: 2 ** 53 - 1, limit });
    expect(await sums()).toEqual([2 ** 53 - 2, 2 ** 53 - 2, 1, 1]);
    await state.publishing(id, NOTHING);
    await state.settle(id);

    expect(await sums()).toEqual([2 ** 53 - 1, 2 ** 53 - 1, 0, 0]);
    await state.credit("ann", { bytes: 2 ** 53 - 1, files: 2 ** 53 - 1 });
    expect(await sums()).toEqual([0, 0, 0, 0]);
  });

  test(`${name}, R33: one upload may have 2^53-1 bytes and as late a time`, async () => {
    const totalBytes = Number.MAX_SAFE_INTEGER;
    const limit = { bytes: totalBytes, files: 1 };
    const row = await open({ totalBytes, modifiedMs: totalBytes, limit });

    expect(row).toMatchObject({ totalBytes, modifiedMs: totalBytes });
    expect(await sums()).toEqual([0, 0, totalBytes, 1]);
  });

  test(`${name}, V4: after chance has done what it may, the sums are those of a model`, async () => {
    await withChance(runModel);
  });
}

/** What a user has, kept by other means: a list of uploads and two numbers. */
async function runModel(chance: Chance): Promise<void> {
  const limit = { bytes: 1000, files: 12 };
  const uploads = new Map<string, { id: string; bytes: number }>();
  let used = NOTHING;
  const room = () => {
    const reserved = [...uploads.values()].reduce((sum, upload) => sum + upload.bytes, 0);
    return {
      bytes: limit.bytes - used.bytes - reserved,
      files: limit.files - used.files - uploads.size,
    };
  };
  const begin = async (path: string, totalBytes: number) => {
    const before = uploads.get(path);
    const extra = { bytes: totalBytes - (before?.bytes ?? 0), files: before === undefined ? 1 : 0 };
    const { bytes: freeBytes, files } = room();
    const fits = (extra.bytes <= 0 || extra.bytes <= freeBytes) && extra.files <= files;
    const [kind] = await kindsOf([
      state.openUpload(intent({ path, totalBytes, limit })).then(({ row }) => {
        uploads.set(path, { id: row.id, bytes: totalBytes });
      }),
    ]);
    expect(kind === "done").toBe(fits);
  };
  for (let step = 0; step < 200; step += 1) {
    const path = chance.pick(["/a", "/b", "/c", "/d"]);
    const upload = uploads.get(path);
    const action = chance.below(4);
    if (action < 2) await begin(path, chance.below(500));
    else if (action === 2 && upload !== undefined) {
      await state.discard(upload.id);
      uploads.delete(path);
    } else if (upload !== undefined) {
      const replaced = chance.percent(50)
        ? { bytes: Math.min(used.bytes, 50), files: Math.min(used.files, 1) }
        : NOTHING;
      await state.publishing(upload.id, replaced);
      await state.settle(upload.id);
      uploads.delete(path);
      used = {
        bytes: used.bytes + upload.bytes - replaced.bytes,
        files: used.files + 1 - replaced.files,
      };
    } else if (used.files > 0) {
      const amount = { bytes: chance.between(0, used.bytes), files: 1 };
      await state.credit("ann", amount);
      used = { bytes: used.bytes - amount.bytes, files: used.files - 1 };
    }
    const { bytes: freeBytes, files } = room();
    const reserved = [limit.bytes - used.bytes - freeBytes, limit.files - used.files - files];
    expect(await sums()).toEqual([used.bytes, used.files, ...reserved]);
  }
}

function testReservations(name: string): void {
  test(`${name}, Q1: of 50 uploads of 9 MiB that begin at once in room for one, one begins`, async () => {
    await state.recount("ann", { bytes: 90 * MIB, files: 1 });
    const limit = { bytes: 100 * MIB, files: 1000 };
    const kinds = await kindsOf(
      Array.from({ length: 50 }, (_hole, index) =>
        state.openUpload(intent({ path: `/f${index}`, totalBytes: 9 * MIB, limit })),
      ),
    );

    expect(kinds.filter((kind) => kind === "done")).toHaveLength(1);
    expect(kinds.filter((kind) => kind === "QUOTA_EXCEEDED")).toHaveLength(49);
    expect(await sums()).toEqual([90 * MIB, 1, 9 * MIB, 1]);
    expect(await state.uploads()).toHaveLength(1);
  });

  test(`${name}, Q2: an upload that does not fit leaves nothing`, async () => {
    const limit = { bytes: 100, files: 10 };
    await state.recount("ann", { bytes: 99, files: 1 });
    const details = { neededBytes: 1024 * MIB, freeBytes: 1, limitBytes: 100 };

    expect(state.openUpload(intent({ totalBytes: 1024 * MIB, limit }))).rejects.toThrow(
      refusal("QUOTA_EXCEEDED", details),
    );
    expect(await state.uploads()).toEqual([]);
    expect(await sums()).toEqual([99, 1, 0, 0]);
  });

  test(`${name}: an upload reserves its whole size and one file, and settles to just that`, async () => {
    const { id } = await open({ totalBytes: 10 });
    expect(await sums()).toEqual([0, 0, 10, 1]);
    await state.publishing(id, NOTHING);
    await state.settle(id);

    expect(await sums()).toEqual([10, 1, 0, 0]);
    expect(await state.upload(id)).toBeUndefined();
  });

  test(`${name}, Q5: put 10 over 8: both count while it is open, then 2 more and no file more`, async () => {
    await state.charge("ann", { bytes: 8, files: 1 }, ROOM);
    const { id } = await open({ totalBytes: 10 });
    expect(await sums()).toEqual([8, 1, 10, 1]);
    await state.publishing(id, { bytes: 8, files: 1 });
    await state.settle(id);

    expect(await sums()).toEqual([10, 1, 0, 0]);
  });

  test(`${name}, Q5: over one's own file with a full quota is refused before the first byte`, async () => {
    const full = { bytes: 8, files: 1 };
    await state.charge("ann", full, full);
    const kinds = await kindsOf([
      state.openUpload(intent({ totalBytes: 8, limit: { bytes: 8, files: 2 } })),
      state.openUpload(intent({ totalBytes: 8, limit: { bytes: 16, files: 1 } })),
    ]);

    expect(kinds).toEqual(["QUOTA_EXCEEDED", "FILES_EXCEEDED"]);
    expect(await sums()).toEqual([8, 1, 0, 0]);
  });

  test(`${name}, Q6: discarded twice, a reservation is given back once`, async () => {
    const { id } = await open({ totalBytes: 10 });
    await open({ path: "/g", totalBytes: 5 });
    await state.discard(id);
    await state.discard(id);

    expect(await sums()).toEqual([0, 0, 5, 1]);
  });

  test(`${name}: forget drops all of a user, names the parts, and nothing of others`, async () => {
    await state.recount("al", NOTHING);
    const first = await open({ path: "/f" });
    const second = await open({ path: "/g" });
    const other = await open({ user: "al", path: "/f", totalBytes: 3 });
    await state.addChunks(first.id, 0, digestsOf(1));
    const forgotten = await state.forget("ann");

    expect(forgotten.toSorted()).toEqual([first.id, second.id].toSorted());
    expect(await state.account("ann")).toBeUndefined();
    expect(await state.digests(first.id, 0, 9)).toEqual([]);
    expect((await state.uploads()).map(({ id }) => id)).toEqual([other.id]);
    expect(await sums("al")).toEqual([0, 0, 3, 1]);
    expect(await state.forget("ann")).toEqual([]);
  });
}

function testResuming(name: string): void {
  test(`${name}: an upload begins with what was wished, and nothing held`, async () => {
    const opened = await state.openUpload(intent({ modifiedMs: 77, algorithm: "md5" }));
    const { id } = opened.row;

    expect(opened).toEqual({
      row: {
        id,
        user: "ann",
        path: "/f",
        totalBytes: 10 * MIB,
        modifiedMs: 77,
        algorithm: "md5",
        chunkCount: 0,
        phase: "receiving",
        replaced: NOTHING,
      },
      droppedId: undefined,
      isResumed: false,
      isSameSource: true,
    });
    expect(await state.upload(id)).toEqual(opened.row);
    expect(id).toMatch(/^[\w-]+$/);
  });

  test.each([1, 2, 10])(
    `${name}, Q4: in %p resumes the same file has one reservation`,
    async (count) => {
      const { id } = await open();
      for (let resume = 0; resume < count; resume += 1) {
        const opened = await state.openUpload(intent());
        expect([opened.row.id, opened.isResumed, opened.isSameSource]).toEqual([id, true, true]);
        expect(await sums()).toEqual([0, 0, 10 * MIB, 1]);
      }
      await state.publishing(id, NOTHING);
      await state.settle(id);

      expect(await sums()).toEqual([10 * MIB, 1, 0, 0]);
    },
  );

  test(`${name}, Q4: a resume that declares more reserves the difference first, or is refused`, async () => {
    const limit = { bytes: 100, files: 1 };
    const { id } = await open({ totalBytes: 60, limit });
    await state.addChunks(id, 0, digestsOf(2));
    const larger = await state.openUpload(intent({ totalBytes: 100, modifiedMs: 9, limit }));
    const details = { neededBytes: 1, freeBytes: 0, limitBytes: 100 };

    expect(larger.row).toMatchObject({ id, totalBytes: 100, modifiedMs: 9, chunkCount: 2 });
    expect(state.openUpload(intent({ totalBytes: 101, limit }))).rejects.toThrow(
      refusal("QUOTA_EXCEEDED", details),
    );
    expect(await sums()).toEqual([0, 0, 100, 1]);
    expect(await state.upload(id)).toEqual(larger.row);
  });

  test(`${name}, Q4: a resume that declares less gives the difference back`, async () => {
    const { id } = await open({ totalBytes: 60 });
    const smaller = await state.openUpload(intent({ totalBytes: 1 }));

    expect(smaller.row).toMatchObject({ id, totalBytes: 1 });
    expect(await sums()).toEqual([0, 0, 1, 1]);
  });

  test(`${name}: a resume is granted when the quota was lowered, as long as it wants no more`, async () => {
    const { id } = await open({ totalBytes: 60 });
    const opened = await state.openUpload(
      intent({ totalBytes: 60, limit: { bytes: 1, files: 0 } }),
    );

    expect(opened.row.id).toBe(id);
  });

  test(`${name}, F2: another source is told apart, and stays apart until chunks are kept for it`, async () => {
    const { id } = await open();
    await state.addChunks(id, 0, digestsOf(3));
    const other = intent({ source: bytes("09") });
    expect((await state.openUpload(other)).isSameSource).toBeFalse();
    expect((await state.openUpload(other)).isSameSource).toBeFalse();
    expect((await state.openUpload(intent())).isSameSource).toBeTrue();
    await state.keepChunks(id, 2, other.source);

    const opened = await state.openUpload(other);
    expect([opened.isSameSource, opened.row.chunkCount]).toEqual([true, 2]);
    expect((await state.openUpload(intent())).isSameSource).toBeFalse();
  });

  test.each([
    ["for which all is to be forgotten", { isFresh: true }],
    ["with another algorithm", { algorithm: "blake3" }],
  ] as const)(`${name}: an upload %s begins anew and names the old part`, async (_case, wish) => {
    const { id } = await open({ totalBytes: 60 });
    await state.addChunks(id, 0, digestsOf(3));
    const opened = await state.openUpload(intent({ totalBytes: 10, ...wish }));

    expect(opened).toMatchObject({ droppedId: id, isResumed: false, isSameSource: true });
    expect(opened.row.id).not.toBe(id);
    expect(opened.row.chunkCount).toBe(0);
    expect(await state.digests(id, 0, 9)).toEqual([]);
    expect(await state.uploads()).toEqual([opened.row]);
    expect(await sums()).toEqual([0, 0, 10, 1]);
  });

  test(`${name}: a fresh upload that does not fit leaves the old one as it is`, async () => {
    const limit = { bytes: 100, files: 1 };
    const row = await open({ totalBytes: 60, limit });
    await state.addChunks(row.id, 0, digestsOf(1));
    const kinds = await kindsOf([
      state.openUpload(intent({ totalBytes: 101, isFresh: true, limit })),
    ]);

    expect(kinds).toEqual(["QUOTA_EXCEEDED"]);
    expect(await state.upload(row.id)).toEqual({ ...row, chunkCount: 1 });
    expect(await state.digests(row.id, 0, 9)).toEqual(digestsOf(1));
    expect(await sums()).toEqual([0, 0, 60, 1]);
  });

  test(`${name}: an upload of the same path by another user is another one`, async () => {
    await state.recount("al", NOTHING);
    const { id } = await open();

    expect((await open({ user: "al" })).id).not.toBe(id);
    expect((await open({ path: "/F" })).id).not.toBe(id);
  });
}

function testChunks(name: string): void {
  test(`${name}: digests are kept in their order and read in pages`, async () => {
    const { id } = await open();
    await state.addChunks(id, 0, digestsOf(3));
    await state.addChunks(id, 3, digestsOf(2));
    const all = [...digestsOf(3), ...digestsOf(2)];

    expect(await state.upload(id)).toMatchObject({ chunkCount: 5 });
    expect(await state.digests(id, 0, 100)).toEqual(all);
    expect(await state.digests(id, 1, 2)).toEqual(all.slice(1, 3));
    expect(await state.digests(id, 5, 100)).toEqual([]);
    expect(await state.digests(id, 0, 0)).toEqual([]);
  });

  test.each([
    ["before the next", 1],
    ["behind the next", 3],
    ["far behind", 2 ** 32 - 1],
  ])(`${name}: chunks %s are refused and nothing has changed`, async (_case, firstChunk) => {
    const row = await open();
    await state.addChunks(row.id, 0, digestsOf(2));

    expect(await kindsOf([state.addChunks(row.id, firstChunk, digestsOf(1))])).toEqual([
      "a defect",
    ]);
    expect(await state.upload(row.id)).toEqual({ ...row, chunkCount: 2 });
    expect(await state.digests(row.id, 0, 9)).toEqual(digestsOf(2));
  });

  test(`${name}: chunks of no upload, or of one that is published, are refused`, async () => {
    const { id } = await open();
    await state.publishing(id, NOTHING);
    const work = [state.addChunks("none", 0, digestsOf(1)), state.addChunks(id, 0, digestsOf(1))];

    expect(await kindsOf(work)).toEqual(["a defect", "a defect"]);
    expect(await state.digests(id, 0, 9)).toEqual([]);
  });

  test(`${name}: keepChunks drops what lies behind, and goes on from there`, async () => {
    const { id } = await open();
    await state.addChunks(id, 0, digestsOf(5));
    await state.keepChunks(id, 2, SOURCE);
    await state.addChunks(id, 2, [bytes("ff")]);

    expect(await state.upload(id)).toMatchObject({ chunkCount: 3 });
    expect(await state.digests(id, 0, 9)).toEqual([...digestsOf(2), bytes("ff")]);
    await state.keepChunks(id, 0, SOURCE);
    expect(await state.digests(id, 0, 9)).toEqual([]);
  });

  test(`${name}: keepChunks of more than is held is a defect and changes nothing`, async () => {
    const { id } = await open();
    await state.addChunks(id, 0, digestsOf(2));
    const work = [state.keepChunks(id, 3, bytes("09")), state.keepChunks("none", 0, SOURCE)];

    expect(await kindsOf(work)).toEqual(["a defect", "a defect"]);
    expect((await state.openUpload(intent())).isSameSource).toBeTrue();
    expect(await state.digests(id, 0, 9)).toEqual(digestsOf(2));
  });
}

function testPublishing(name: string): void {
  test(`${name}, F9: an upload that is being published says so, and what it replaces`, async () => {
    const { id } = await open();
    await state.publishing(id, { bytes: 8, files: 1 });
    expect(await state.upload(id)).toMatchObject({
      phase: "publishing",
      replaced: { bytes: 8, files: 1 },
    });
    expect(await sums()).toEqual([0, 0, 10 * MIB, 1]);
    await state.unpublish(id);

    expect(await state.upload(id)).toMatchObject({ phase: "receiving", replaced: NOTHING });
    expect(await sums()).toEqual([0, 0, 10 * MIB, 1]);
  });

  test(`${name}, F9: settling twice counts once`, async () => {
    const { id } = await open({ totalBytes: 10 });
    await state.publishing(id, NOTHING);
    await Promise.all([state.settle(id), state.settle(id)]);
    await state.settle(id);
    await state.discard(id);

    expect(await sums()).toEqual([10, 1, 0, 0]);
  });

  test(`${name}: publishing what is not there is a defect, or it would never be counted`, async () => {
    expect(await kindsOf([state.publishing("none", NOTHING)])).toEqual(["a defect"]);
  });

  test(`${name}, INV: a settlement that would count below zero is a defect and changes nothing`, async () => {
    const { id } = await open({ totalBytes: 10 });
    await state.publishing(id, { bytes: 11, files: 1 });

    expect(await kindsOf([state.settle(id)])).toEqual(["a defect"]);
    expect(await sums()).toEqual([0, 0, 10, 1]);
    expect(await state.upload(id)).toMatchObject({ phase: "publishing" });
  });

  test.each([{ isFresh: false }, { isFresh: true }])(
    `${name}, INV: an upload that is being published is neither picked up nor given up: %p`,
    async (wish) => {
      const { id } = await open({ totalBytes: 10 });
      await state.publishing(id, NOTHING);

      expect(state.openUpload(intent(wish))).rejects.toThrow(refusal("STATE_FAILED"));
      expect(await sums()).toEqual([0, 0, 10, 1]);
      await state.settle(id);
      expect(await sums()).toEqual([10, 1, 0, 0]);
    },
  );
}

function testAge(name: string): void {
  test(`${name}, F12: uploads grow old by running time, and are young again when touched`, async () => {
    const one = await open({ path: "/1" });
    const two = await open({ path: "/2" });
    const three = await open({ path: "/3" });
    await state.addChunks(three.id, 0, digestsOf(1));
    expect(await state.age(60, 100)).toEqual([]);
    await open({ path: "/2" });
    await state.keepChunks(three.id, 0, SOURCE);
    expect(await state.age(40, 100)).toEqual([]);
    expect(await state.age(1, 100)).toEqual([one.id]);
    expect((await state.age(60, 100)).toSorted()).toEqual([one.id, two.id, three.id].toSorted());
    await state.addChunks(three.id, 0, digestsOf(1));

    expect((await state.age(0, 100)).toSorted()).toEqual([one.id, two.id].toSorted());
  });

  test(`${name}: an upload that is being published does not grow too old`, async () => {
    const { id } = await open();
    await state.publishing(id, NOTHING);

    expect(await state.age(1000, 100)).toEqual([]);
  });
}

function testBatches(name: string): void {
  test(`${name}, R21: a call that fails leaves those made with it standing`, async () => {
    const limit = { bytes: 10, files: 10 };
    const kinds = await kindsOf([
      state.charge("ann", { bytes: 4, files: 1 }, limit),
      state.charge("ann", { bytes: 40, files: 1 }, limit),
      state.credit("ann", { bytes: 400, files: 1 }),
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

  test(`${name}: a defect tells its stack here, and no FtpxError`, () => {
    expect(state.addChunks("none", 0, digestsOf(1))).rejects.toThrow("does not hold 0 chunks");
  });

  test(`${name}: close lets what was asked for end, and refuses what comes later`, async () => {
    const charges = Array.from({ length: 300 }, () =>
      state.charge("ann", { bytes: 1, files: 0 }, ROOM),
    );
    const closing = state.close();
    expect(new Set(await kindsOf(charges))).toEqual(new Set(["done"]));
    await closing;

    expect(await kindsOf([state.account("ann")])).toEqual(["STATE_FAILED"]);
    await state.close();
    state = await place.open();
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
    await state.close();
    state = await place.open();

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
    await state.close();
    state = await place.open();

    expect(await state.secret()).toEqual(secret);
    expect(new Set(secret).size).toBeGreaterThan(4);
  });

  test(`${name}, Q8: a start says whether the last run was stopped properly`, async () => {
    expect(await state.markStarted()).toEqual({ wasClean: true });
    await state.close();
    state = await place.open();
    expect(await state.markStarted()).toEqual({ wasClean: false });
    await state.markStopped();
    await state.close();
    state = await place.open();

    expect(await state.markStarted()).toEqual({ wasClean: true });
  });
}
