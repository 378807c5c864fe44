import { expect, test } from "bun:test";
import {
  BUILT_IN,
  demandCleanEnvironment,
  demandOwnRuntime,
  TAKING_OVER_NAMES,
} from "../../src/cli/environment.ts";
import { kindOf, refusal } from "../support/refusal.ts";

test.each([
  [[...BUILT_IN], "done"],
  [[], "FOREIGN_RUNTIME"],
  [BUILT_IN.slice(1), "FOREIGN_RUNTIME"],
  [["--smol", ...BUILT_IN], "FOREIGN_RUNTIME"],
  [["--smol", ...BUILT_IN.slice(1)], "FOREIGN_RUNTIME"],
] as const)("R23: a runtime that was given %j: %s", (given, outcome) => {
  expect<string>(kindOf(() => demandOwnRuntime(given, true))).toBe(outcome);
  // From source it is the developer's own.
  demandOwnRuntime(given, false);
});

test.each([...TAKING_OVER_NAMES, "BUN_JSC_useJIT"])("R23: a server refuses %s", (name) => {
  expect(() => demandCleanEnvironment({ PATH: "", [name]: "0" })).toThrow(
    refusal("FOREIGN_RUNTIME", { file: name }),
  );
});

test("a server takes what does not change it", () => {
  const names = ["BUN_INSTALL", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "NODE_OPTIONS", "FTPX_DATA"];

  expect(() =>
    demandCleanEnvironment(Object.fromEntries(names.map((name) => [name, "x"]))),
  ).not.toThrow();
});
