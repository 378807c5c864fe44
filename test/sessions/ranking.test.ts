import { expect, test } from "bun:test";
import { Ranking } from "../../src/sessions/ranking.ts";

function make(rows: Readonly<Record<string, number>>): Ranking<number> {
  const ranking = new Ranking<number>((row) => Math.floor(row / 10));
  for (const [name, row] of Object.entries(rows)) ranking.set(name, row);
  return ranking;
}

function namesIn(ranking: Ranking<number>): string[] {
  return [...ranking.entries()].map(([name]) => name);
}

test("the lowest rank goes first, and of one rank who has it longest", () => {
  const ranking = make({ high: 95, old: 12, low: 3, young: 10 });
  ranking.forgetLowest();
  expect(namesIn(ranking)).toEqual(["high", "old", "young"]);
  ranking.set("old", 13);
  ranking.forgetLowest();
  expect(namesIn(ranking)).toEqual(["high", "old"]);
  ranking.set("lower", 25);
  ranking.forgetLowest();
  expect(ranking.findLowest()).toBe(2);
  ranking.set("lowest", 0);
  expect(ranking.findLowest()).toBe(0);
});

test("a row that is set again stands once, at its new rank", () => {
  const ranking = make({ a: 11, b: 12 });
  ranking.set("a", 31);
  expect([ranking.size, ranking.find("a"), ranking.findLowest()]).toEqual([2, 31, 1]);
  expect([[...ranking.namesAt(1)], [...ranking.namesAt(3)]]).toEqual([["b"], ["a"]]);
});

test("an empty ranking has no lowest rank and forgets nothing", () => {
  const ranking = make({ a: 11 });
  ranking.delete("b");
  ranking.delete("a");
  ranking.delete("a");
  ranking.forgetLowest();
  expect([ranking.size, ranking.findLowest()]).toEqual([0, Number.POSITIVE_INFINITY]);
  ranking.set("c", 70);
  expect(ranking.findLowest()).toBe(7);
});
