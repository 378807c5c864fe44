import { expect, test } from "bun:test";
import { HELD_BYTES_EACH } from "../../src/base/limits.ts";
import { Gate } from "../../src/transfer/gate.ts";
import { refusal } from "../support/refusal.ts";

const note = (heard: string[], piece: Uint8Array) => void heard.push(Buffer.from(piece).toString());
const piece = (text: string) => new Uint8Array(Buffer.from(text));

test("what comes before the gate opens is delivered in its order, then what comes after", () => {
  const gate = new Gate<string[]>(10 * HELD_BYTES_EACH);
  const target: string[] = [];
  gate.pass(piece("a"), note);
  gate.pass(piece("bb"), note);
  expect(target).toEqual([]);
  gate.open(target);
  gate.pass(piece("c"), note);

  expect(target).toEqual(["a", "bb", "c"]);
});

test("D7: what waits is bounded, to the byte", () => {
  const gate = new Gate<string[]>(2 * HELD_BYTES_EACH);
  gate.pass(new Uint8Array(2 * HELD_BYTES_EACH), note);

  expect(() => gate.pass(piece("b"), note)).toThrow(refusal("WINDOW_EXCEEDED"));
});

test("D7: pieces of nothing are bounded too", () => {
  const gate = new Gate<string[]>(3 * HELD_BYTES_EACH);
  for (let count = 0; count < 3; count += 1) gate.pass(piece(""), note);

  expect(() => gate.pass(piece(""), note)).toThrow(refusal("WINDOW_EXCEEDED"));
});

test("what waits is a copy: the buffer it came in is free, and may be used again", () => {
  const gate = new Gate<string[]>(10);
  const target: string[] = [];
  const lent = piece("a");
  gate.pass(lent, note);
  lent.fill(0);
  gate.open(target);

  expect(target).toEqual(["a"]);
});

test("an open gate holds nothing, so it has no bound", () => {
  const gate = new Gate<string[]>(10);
  const target: string[] = [];
  gate.open(target);
  for (let count = 0; count < 5; count += 1) gate.pass(new Uint8Array(1000), note);

  expect(target).toHaveLength(5);
});

test("what a delivery throws comes out of open, and the rest is dropped", () => {
  const gate = new Gate<string[]>(10 * HELD_BYTES_EACH);
  const target: string[] = [];
  gate.pass(piece("a"), note);
  gate.pass(piece("b"), () => {
    throw new Error("of the delivery");
  });
  gate.pass(piece("c"), note);

  expect(() => gate.open(target)).toThrow("of the delivery");
  expect(target).toEqual(["a"]);
});
