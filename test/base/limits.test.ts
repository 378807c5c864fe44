import { expect, test } from "bun:test";
import * as limits from "../../src/base/limits.ts";
import { CONTENT_PREFIX_BYTES, HEADER_BYTES } from "../../src/wire/frame.ts";

const {
  ACK_EVERY_BYTES,
  BODY_BYTES_MAX,
  CHUNK_BYTES,
  CONTENT_BYTES_MAX,
  EAGER_BYTES_MAX,
  REPLY_QUEUE_BYTES_MAX,
  SESSION_WINDOW_BYTES,
  TRANSFERS_MAX,
  UNWRITTEN_BYTES_MAX,
  WINDOW_BYTES,
  WINDOW_BYTES_MIN,
} = limits;

test("every limit is a positive safe integer", () => {
  const odd = Object.entries(limits).filter(
    ([, value]) => !Number.isSafeInteger(value) || value < 1,
  );

  expect(odd).toEqual([]);
});

test("every MIN is at most its MAX, and what is used lies between them", () => {
  const values = limits as Record<string, number>;
  const outside = Object.entries(values).flatMap(([name, min]) => {
    if (!name.endsWith("_MIN")) return [];
    const stem = name.slice(0, -"_MIN".length);
    const max = values[`${stem}_MAX`] ?? Number.POSITIVE_INFINITY;
    const used = values[stem] ?? min;
    return min <= used && used <= max ? [] : [stem];
  });

  expect(outside).toEqual([]);
});

test("chunks have 8 MiB, as the protocol says for good", () => {
  expect(CHUNK_BYTES).toBe(8 * 1024 * 1024);
});

test("a whole content frame fits a body, every window and a strange file's first flight", () => {
  expect(CONTENT_BYTES_MAX + CONTENT_PREFIX_BYTES - HEADER_BYTES).toBeLessThanOrEqual(
    BODY_BYTES_MAX,
  );
  expect(CONTENT_BYTES_MAX).toBeLessThanOrEqual(WINDOW_BYTES_MIN);
  expect(EAGER_BYTES_MAX).toBeLessThanOrEqual(WINDOW_BYTES_MIN);
  expect(CHUNK_BYTES % CONTENT_BYTES_MAX).toBe(0);
});

test("a full window is acknowledged before a sender has to wait for it", () => {
  expect(ACK_EVERY_BYTES + CONTENT_BYTES_MAX).toBeLessThanOrEqual(WINDOW_BYTES);
  expect(WINDOW_BYTES).toBeLessThanOrEqual(SESSION_WINDOW_BYTES);
});

test("one session's memory for content is bounded by tens of MiB", () => {
  const windows = SESSION_WINDOW_BYTES + TRANSFERS_MAX * WINDOW_BYTES_MIN;

  // Of each download two pieces of an eighth of its window; uploads wait within a bound for all.
  expect(windows / 4).toBeLessThanOrEqual(48 * 1024 * 1024);
  expect(UNWRITTEN_BYTES_MAX).toBeLessThanOrEqual(64 * 1024 * 1024);
  expect(REPLY_QUEUE_BYTES_MAX).toBeGreaterThanOrEqual(BODY_BYTES_MAX);
});
