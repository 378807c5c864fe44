import { expect, test } from "bun:test";
import { Board, receiptEvent, receiptLine } from "../../src/cli/progress.ts";
import { HOSTILE_NAMES, UNSAFE_ON_TERMINAL } from "./hostile.ts";

const MB = 1_000_000;

/** A board whose time stands still until it is told to go on. */
function boardOf(count = 1, expectedBytes?: number) {
  const clock = { ms: 0 };
  const board = new Board(() => clock.ms, count, expectedBytes);
  const begin = (label: string, totalBytes?: number) =>
    board.begin({ label, path: `/${label}`, totalBytes });
  return { board, clock, begin };
}

const digest = { algorithm: "md5", bytes: new Uint8Array(16).fill(0xab), chunks: 1483 } as const;
const receipt = { bytes: 12_400_000_000, digest, resumedAt: 0, elapsedMs: 41_000 };
const HEX = "ab".repeat(16);

test("the receipt of a file is one line", () => {
  const line = `a.iso  12.4 GB  md5:${HEX}-1483  41.0 s  302 MB/s`;
  expect(receiptLine("a.iso", receipt)).toBe(line);
});

test("the rate in a receipt counts what was moved and not what was there", () => {
  expect(receiptLine("a", { ...receipt, resumedAt: 12_399_000_000 })).toEndWith("  24.4 kB/s");
});

test("what was there already has no rate, and says so", () => {
  const there = { ...receipt, resumedAt: receipt.bytes, wasThere: true };
  expect(receiptLine("a", there)).toEndWith("  41.0 s  was there already");
  expect(receiptEvent("/a", there)).toMatchObject({ event: "done", wasThere: true });
  expect(receiptEvent("/a", receipt)).not.toHaveProperty("wasThere");
});

test("the receipt of a file as an event has exact numbers", () => {
  expect(receiptEvent("/a.iso", { ...receipt, resumedAt: 5, elapsedMs: 41_000.4 })).toEqual({
    event: "done",
    path: "/a.iso",
    bytes: 12_400_000_000,
    digest: `md5:${HEX}-1483`,
    resumedAt: 5,
    seconds: 41,
  });
});

test("a line shows name, bar, sizes, share, rate and time left", () => {
  const { board, clock, begin } = boardOf();
  const file = begin("a.iso");
  board.update(file, 0, 100 * MB);
  clock.ms = 1000;
  board.update(file, 25 * MB, 100 * MB);

  expect(board.lines(80, 24)).toEqual([
    "a.iso  [#####-------------]   25.0 MB / 100 MB   25%  25.0 MB/s  ETA 3 s",
  ]);
});

test.each([
  [60, "a-rather-long-name.tar.zst   25%  25.0 MB/s  ETA 3 s"],
  [40, "a-rather-lo…me.tar.zst   25%  25.0 MB/s"],
  [20, "a-rath…ar.zst   25%"],
  [10, "a-ra….zst"],
  [2, "…"],
  [1, "…"],
])("a line fits into %p columns", (columns, line) => {
  const { board, clock, begin } = boardOf();
  const file = begin("a-rather-long-name.tar.zst");
  board.update(file, 0, 100 * MB);
  clock.ms = 1000;
  board.update(file, 25 * MB, 100 * MB);

  expect(board.lines(columns, 24)).toEqual([line]);
});

test("no line is as wide as the terminal, whatever the names and widths are", () => {
  const { board, clock, begin } = boardOf(20, 900 * MB);
  const names = [...HOSTILE_NAMES, "漢字".repeat(30), "👩‍👩‍👧".repeat(20), "x", ""];
  for (const name of names) board.update(begin(name), 0, 90 * MB);
  clock.ms = 700;
  for (let columns = 2; columns < 200; columns += 1) {
    for (const line of board.lines(columns, 30)) {
      expect(Bun.stringWidth(line)).toBeLessThan(columns);
      expect(line).not.toMatch(UNSAFE_ON_TERMINAL);
    }
  }
});

test("several files have a line each and one for all of them", () => {
  const { board, clock, begin } = boardOf(3, 300 * MB);
  const first = begin("a.iso", 100 * MB);
  const second = begin("b.iso", 100 * MB);
  board.update(first, 0, 100 * MB);
  board.update(second, 0, 100 * MB);
  clock.ms = 1000;
  board.update(first, 100 * MB, 100 * MB);
  board.end(first, { bytes: 100 * MB, digest, resumedAt: 0, elapsedMs: 1000 });
  board.update(second, 50 * MB, 100 * MB);

  expect(board.lines(70, 24)).toEqual([
    "b.iso               50.0 MB / 100 MB   50%  50.0 MB/s  ETA 1 s",
    "1 of 3 files         150 MB / 300 MB   50%   150 MB/s  ETA 1 s",
  ]);
});

test("there are never more lines than the terminal has", () => {
  const { board, begin } = boardOf(50);
  for (let index = 0; index < 50; index += 1) begin(`file ${index}`);

  expect(board.lines(80, 24)).toHaveLength(10);
  expect(board.lines(80, 24).at(-2)).toBe("… and 42 more");
  for (let rows = 1; rows < 12; rows += 1) {
    expect(board.lines(80, rows).length).toBeLessThanOrEqual(rows);
  }
});

test("what an earlier attempt had moved counts for the share and not for the rate", () => {
  const { board, clock, begin } = boardOf();
  const file = begin("a.iso");
  board.update(file, 90 * MB, 100 * MB);
  clock.ms = 1000;
  board.update(file, 91 * MB, 100 * MB);

  const [line] = board.lines(80, 24);
  expect(line).toContain("91%   1.0 MB/s  ETA 9 s");
});

test("a file without a known size shows what was moved", () => {
  const { board, begin } = boardOf();
  begin("a.iso");

  expect(board.lines(80, 24)).toEqual(["a.iso" + " ".repeat(38) + "0 B"]);
});

test("an empty file is done and divides nothing by zero", () => {
  const { board, begin } = boardOf();
  board.update(begin("empty"), 0, 0);

  expect(board.lines(80, 24)[0]).toContain("0 B / 0 B  100%");
});

test("without a terminal a long file is mentioned every ten seconds", () => {
  const { board, clock, begin } = boardOf();
  const file = begin("a\rb.iso");
  board.update(file, 0, 100 * MB);
  const told: string[][] = [];
  for (clock.ms = 0; clock.ms <= 25_000; clock.ms += 500) {
    board.update(file, clock.ms * 1000, 100 * MB);
    const lines = board.mentions();
    if (lines.length > 0) told.push(lines);
  }

  expect(told).toEqual([
    [String.raw`a\x0db.iso  10.0 MB / 100 MB  10%  1.0 MB/s  ETA 1 min 30 s`],
    [String.raw`a\x0db.iso  20.0 MB / 100 MB  20%  1.0 MB/s  ETA 1 min 20 s`],
  ]);
});

test("events take turns among the files that moved, and keep names exact", () => {
  const { board, clock, begin } = boardOf(2);
  const first = begin("a\x1b[2J");
  const second = begin("b");
  board.update(first, 0, 100);
  board.update(second, 0, 100);
  clock.ms = 100;
  expect(board.event()).toEqual({
    event: "progress",
    path: "/a\x1b[2J",
    bytes: 0,
    totalBytes: 100,
    bytesPerSecond: undefined,
    secondsLeft: undefined,
  });
  clock.ms = 200;
  board.update(first, 50, 100);
  expect(board.event()).toMatchObject({ path: "/b", bytes: 0 });
  clock.ms = 300;
  expect(board.event()).toMatchObject({ path: "/a\x1b[2J", bytes: 50 });
  expect(board.event()).toBeUndefined();
});
