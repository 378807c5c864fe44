import { expect, test } from "bun:test";
import { parseOptions, USAGE } from "../../bench/options.ts";

const NAMES = ["W1", "W2", "W3"];

test("without options everything is measured once at full size, in five pairs", () => {
  expect(parseOptions([], NAMES)).toEqual({
    only: NAMES,
    scale: 1,
    crowd: 1,
    pairs: 5,
    isSlow: false,
    without: [],
    json: undefined,
    svg: undefined,
    draw: undefined,
    isHelp: false,
    steps: undefined,
  });
});

test("every option stands in the help, and no other", () => {
  const named = [...USAGE.matchAll(/^ {2}(--[a-z]+)/gmu)].map(([, name = ""]) => name);

  for (const name of named) {
    expect(() => parseOptions([name, "1", "--svg", "f"], NAMES)).not.toThrow("Unknown option");
  }
  expect(named).toHaveLength(11);
});

test("peers that are to stay out are named by a part of their names", () => {
  expect(parseOptions(["--without", "lftp,curl"], NAMES).without).toEqual(["lftp", "curl"]);
});

test("workloads keep the order of the suite, however they are named", () => {
  expect(parseOptions(["--only", "w3, W1"], NAMES).only).toEqual(["W1", "W3"]);
});

test.each([
  [["--growth"], [0.1, 1]],
  [
    ["--steps", "0.1,1,10"],
    [0.1, 1, 10],
  ],
])("%p measures at the sizes %p", (words, steps) => {
  expect(parseOptions(words, NAMES).steps).toEqual(steps);
});

test.each([
  [["--only", "W9"], "there is no W9"],
  [["--scale", "0"], "--scale: a number above 0 is wanted, not 0"],
  [["--scale", "big"], "--scale: a number above 0"],
  [["--pairs", "1.5"], "--pairs: a whole number"],
  [["--crowd", ""], "--crowd: a number above 0"],
  [["--steps", "1,,2"], "--steps: a number above 0"],
  [["--draw", "a.json"], "--draw: --svg is wanted"],
  [["--fast"], "--fast"],
  [["W1"], "W1"],
])("%p is refused", (words, text) => {
  expect(() => parseOptions(words, NAMES)).toThrow(text);
});
