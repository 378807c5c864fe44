import { expect, test } from "bun:test";
import { summaryEvent, summaryLine } from "../../src/cli/summary.ts";

const SUMMARY = {
  doneCount: 12,
  skippedCount: 3,
  failedCount: 1,
  movedBytes: 12_400_000_000,
  elapsedMs: 41_000,
};

test("the summary of many files is one line", () => {
  expect(summaryLine(SUMMARY)).toBe("12 files, 12.4 GB in 41.0 s, 302 MB/s; 3 skipped, 1 failed");
  const rest = { skippedCount: 0, failedCount: 0, sameCount: 5000, deletedCount: 2 };
  const nothing = { ...SUMMARY, ...rest, doneCount: 0, movedBytes: 0 };
  expect(summaryLine(nothing)).toBe("0 files in 41.0 s; 5000 the same, 2 deleted");
  expect(summaryLine({ ...nothing, doneCount: 1, sameCount: 0, deletedCount: 0 })).toBe(
    "1 file in 41.0 s",
  );
});

test("the summary of a sync is an event of its own", () => {
  const counts = { skipped: 3, failed: 1, bytes: 12_400_000_000, seconds: 41 };

  expect(summaryEvent(SUMMARY)).toEqual({ event: "summary", files: 12, ...counts });
  expect(summaryEvent({ ...SUMMARY, sameCount: 4, deletedCount: 5 })).toEqual({
    event: "synced",
    ...counts,
    sent: 12,
    same: 4,
    deleted: 5,
  });
});

test("the summary of a rehearsal says that nothing has happened", () => {
  const dry = { ...SUMMARY, sameCount: 4, deletedCount: 5, isDry: true };

  expect(summaryLine(dry)).toBe(
    "would send 12 files, 12.4 GB, delete 5; 4 the same, 3 skipped, 1 failed",
  );
  expect(summaryEvent(dry)).toMatchObject({ event: "synced", dryRun: true, sent: 12, deleted: 5 });
});
