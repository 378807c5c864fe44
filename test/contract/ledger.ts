/** What every ledger does: charges, credits, reservations, and their sums. */
import { expect, test } from "bun:test";
import type { Chance } from "../support/chance.ts";
import { withChance } from "../support/chance.ts";
import { failureOf, refusal } from "../support/refusal.ts";
import { digestsOf, intent, kindsOf, MIB, NOTHING, open, ROOM, state, sums } from "./desk.ts";

export function ledgerContract(name: string): void {
  testLedger(name);
  testReservations(name);
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

    expect(await failureOf(state.charge("ann", { bytes: 41, files: 1 }, limit))).toEqual(
      refusal("QUOTA_EXCEEDED", details),
    );
    await state.charge("ann", { bytes: 40, files: 1 }, limit);
    expect(await sums()).toEqual([100, 2, 0, 0]);
  });

  test(`${name}, Q11: files are counted and refused as bytes are, also those of no bytes`, async () => {
    const limit = { bytes: 100, files: 2 };
    await state.charge("ann", { bytes: 0, files: 2 }, limit);
    const details = { needed: 1, free: 0, limit: 2 };

    expect(await failureOf(state.charge("ann", { bytes: 0, files: 1 }, limit))).toEqual(
      refusal("FILES_EXCEEDED", details),
    );
    expect(await failureOf(state.openUpload(intent({ totalBytes: 0, limit })))).toEqual(
      refusal("FILES_EXCEEDED", details),
    );
    expect(await sums()).toEqual([0, 2, 0, 0]);
  });

  test(`${name}: what takes no room is granted when the quota was lowered below the use`, async () => {
    await state.charge("ann", { bytes: 100, files: 1 }, ROOM);
    const lowered = { bytes: 50, files: 10 };
    await state.charge("ann", { bytes: 0, files: 1 }, lowered);
    const details = { neededBytes: 1, freeBytes: 0, limitBytes: 50 };

    expect(await failureOf(state.charge("ann", { bytes: 1, files: 0 }, lowered))).toEqual(
      refusal("QUOTA_EXCEEDED", details),
    );
  });

  test(`${name}, INV: a credit of more than was counted ends at zero and says so`, async () => {
    await state.charge("ann", { bytes: 10, files: 3 }, ROOM);
    await open({ totalBytes: 7 });

    expect(await state.credit("ann", { bytes: 1, files: 1 })).toBe(true);
    expect(await state.credit("ann", { bytes: 10, files: 1 })).toBe(false);
    expect(await sums()).toEqual([0, 1, 7, 1]);
    expect(await state.credit("ann", { bytes: 0, files: 1 })).toBe(true);
    expect(await state.credit("ann", { bytes: 0, files: 1 })).toBe(false);
    expect(await sums()).toEqual([0, 0, 7, 1]);
  });

  test(`${name}: a credit to nobody is a defect`, async () => {
    expect(await kindsOf([state.credit("bob", { bytes: 1, files: 0 })])).toEqual(["a defect"]);
    expect(await state.account("bob")).toBeUndefined();
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
    const opening = state.openUpload(intent({ path, totalBytes, limit }));
    expect(await kindsOf([opening])).toEqual([fits ? "done" : expect.stringMatching(/_EXCEEDED$/)]);
    if (fits) uploads.set(path, { id: (await opening).row.id, bytes: totalBytes });
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

    expect(await failureOf(state.openUpload(intent({ totalBytes: 1024 * MIB, limit })))).toEqual(
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
