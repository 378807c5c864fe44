import { expect, test } from "bun:test";
import { Gate } from "../../src/transfer/gate.ts";
import { refusal } from "../support/refusal.ts";

test("what comes before the gate opens is delivered in its order, then what comes after", () => {
  const gate = new Gate<string[]>(10);
  const target: string[] = [];
  gate.pass(1, (heard) => heard.push("a"));
  gate.pass(2, (heard) => heard.push("b"));
  expect(target).toEqual([]);
  gate.open(target);
  gate.pass(3, (heard) => heard.push("c"));

  expect(target).toEqual(["a", "b", "c"]);
});

test("what waits is bounded, to the byte", () => {
  const gate = new Gate<string[]>(10);
  const target: string[] = [];
  gate.pass(10, (heard) => heard.push("a"));

  expect(() => gate.pass(1, (heard) => heard.push("b"))).toThrow(refusal("WINDOW_EXCEEDED"));
  gate.open(target);
  expect(target).toEqual(["a"]);
});

test("an open gate holds nothing, so it has no bound", () => {
  const gate = new Gate<string[]>(10);
  const target: string[] = [];
  gate.open(target);
  for (let count = 0; count < 5; count += 1) gate.pass(1000, (heard) => heard.push("a"));

  expect(target).toHaveLength(5);
});

test("what a delivery throws comes out of open, and the rest is dropped", () => {
  const gate = new Gate<string[]>(10);
  const target: string[] = [];
  gate.pass(1, (heard) => heard.push("a"));
  gate.pass(1, () => {
    throw new Error("of the delivery");
  });
  gate.pass(1, (heard) => heard.push("c"));

  expect(() => gate.open(target)).toThrow("of the delivery");
  expect(target).toEqual(["a"]);
});
