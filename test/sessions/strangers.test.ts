import { beforeEach, expect, test } from "bun:test";
import { UNSIGNED_SESSIONS_MAX } from "../../src/base/limits.ts";
import { Strangers } from "../../src/sessions/strangers.ts";
import type { Stranger } from "../../src/sessions/strangers.ts";
import { kindOf } from "../support/refusal.ts";

const dropped: string[] = [];
let strangers: Strangers<Stranger>;

beforeEach(() => {
  dropped.length = 0;
  strangers = new Strangers(() => 0);
});

function come(source: string, progress?: number, name = source): string {
  return kindOf(() => {
    strangers.makeRoom(source);
    strangers.add({ progress, drop: () => void dropped.push(name) }, source);
  });
}

/** One has come least far, one is being let in. */
function progressOf(index: number): number | undefined {
  if (index === 7) return 0;
  return index === 8 ? undefined : 3;
}

const fill = (sources: number, progress: number | undefined) => {
  for (let index = 0; index < UNSIGNED_SESSIONS_MAX; index += 1)
    come(`${index % sources}`, progress);
};

test("D2: one source may take all places, and loses them to others, one each", () => {
  fill(1, 0);
  expect(come("0", 0)).toBe("SERVER_FULL");
  for (let index = 0; index < UNSIGNED_SESSIONS_MAX / 2; index += 1) {
    expect(come(`new ${index}`, 0)).toBe("done");
  }
  expect(dropped).toEqual(Array.from({ length: UNSIGNED_SESSIONS_MAX / 2 }, () => "0"));
});

test("D2: where all places are taken, a newcomer gets one of the source that has the most", () => {
  fill(4, 1);
  expect(come("new", 0)).toBe("done");
  expect(strangers.size).toBe(UNSIGNED_SESSIONS_MAX);
  expect(dropped).toEqual(["0"]);
  expect(come("1", 0)).toBe("SERVER_FULL");
});

test("D2: whose source has as many as any gets none", () => {
  fill(8, 1);
  expect(come("0")).toBe("SERVER_FULL");
  expect(dropped).toEqual([]);
});

test("D2: among many sources the one that has come least far goes, and nobody who is being let in", () => {
  fill(UNSIGNED_SESSIONS_MAX - 1, 2);
  expect(dropped).toEqual([]);
  strangers = new Strangers(() => 0.999);
  for (let index = 0; index < UNSIGNED_SESSIONS_MAX; index += 1) {
    come(`${index}`, progressOf(index));
  }
  expect(come("new")).toBe("done");
  expect(dropped).toEqual(["7"]);

  strangers = new Strangers(() => 0.999);
  fill(UNSIGNED_SESSIONS_MAX, undefined);
  expect(come("new")).toBe("SERVER_FULL");
});

test("D2: a flood from more sources than there are places does not keep out who gets on", () => {
  let seed = 1;
  strangers = new Strangers(() => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647);
  const honest = { progress: 0, drop: () => void dropped.push("honest") };
  for (let index = 0; index < 1000; index += 1) come(`${index}`, 0);
  strangers.makeRoom("honest");
  strangers.add(honest, "honest");
  for (let index = 0; index < 5; index += 1) come(`early ${index}`, 0);
  honest.progress = 1;
  for (let index = 0; index < 10_000; index += 1) come(`late ${index}`, 0);

  expect(strangers.has(honest)).toBe(true);
  expect(strangers.remove(honest)).toBe(true);
  expect(strangers.remove(honest)).toBe(false);
});
