/** What every journal does: uploads begun, picked up, fed, published and grown old. */
import { expect, test } from "bun:test";
import { bytes } from "../support/octets.ts";
import { failureOf, refusal } from "../support/refusal.ts";
import { digestsOf, intent, kindsOf, MIB, NOTHING, open, SOURCE, state, sums } from "./desk.ts";

export function journalContract(name: string): void {
  testResuming(name);
  testChunks(name);
  testPublishing(name);
  testAge(name);
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
        isCopy: false,
        chunkCount: 0,
        phase: "receiving",
        replaced: NOTHING,
        idleMs: 0,
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
    expect(await failureOf(state.openUpload(intent({ totalBytes: 101, limit })))).toEqual(
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

  test(`${name}, F2: with nothing held, a part is the new source's at once`, async () => {
    await open();
    const other = intent({ source: bytes("09") });
    expect((await state.openUpload(other)).isSameSource).toBeFalse();

    expect((await state.openUpload(other)).isSameSource).toBeTrue();
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

  test(`${name}, INV: a settlement that replaces more than was counted counts the new file whole`, async () => {
    const { id } = await open({ totalBytes: 10 });
    await state.publishing(id, { bytes: 11, files: 1 });
    await state.settle(id);

    expect(await sums()).toEqual([10, 1, 0, 0]);
    expect(await state.upload(id)).toBeUndefined();
  });

  test.each([{ isFresh: false }, { isFresh: true }])(
    `${name}, INV: an upload that is being published is neither picked up nor given up: %p`,
    async (wish) => {
      const { id } = await open({ totalBytes: 10 });
      await state.publishing(id, NOTHING);

      expect(await failureOf(state.openUpload(intent(wish)))).toEqual(refusal("NOT_SETTLED"));
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
