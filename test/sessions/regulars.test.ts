import { expect, test } from "bun:test";
import { KNOWN_SOURCES_MAX } from "../../src/base/limits.ts";
import { Regulars } from "../../src/sessions/regulars.ts";

test("who has signed in from somewhere is known there, for that account only", () => {
  const regulars = new Regulars();
  expect(regulars.add("ann", "a")).toBe(true);
  expect(regulars.add("ann", "a")).toBe(false);

  expect([regulars.has("ann", "a"), regulars.has("ann", "b")]).toEqual([true, false]);
  expect([regulars.has("bob", "a"), regulars.knows("a")]).toEqual([false, true]);
  regulars.add("bob", "a");
  regulars.forget("ann");
  expect([regulars.has("ann", "a"), regulars.knows("a")]).toEqual([false, true]);
  regulars.forget("bob");
  expect(regulars.knows("a")).toBe(false);
});

test("sources of an account are bounded; the one that was silent longest goes, of no other", () => {
  const regulars = new Regulars();
  regulars.add("bob", "first");
  regulars.add("ann", "first");
  regulars.add("ann", "kept");
  for (let index = 0; index < KNOWN_SOURCES_MAX - 1; index += 1) {
    regulars.add("ann", `s${index}`);
    regulars.add("ann", "kept");
  }

  expect([regulars.has("ann", "first"), regulars.has("ann", "kept")]).toEqual([false, true]);
  expect(regulars.has("bob", "first")).toBe(true);
  expect(regulars.knows("first")).toBe(true);
});
