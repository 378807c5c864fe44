import { expect, test } from "bun:test";
import { Counters } from "../../src/sessions/counters.ts";

test("transfers are counted by direction and outcome, errors by kind, sign-ins by their events", () => {
  const counters = new Counters();
  counters.ended({ direction: "upload", outcome: "done" });
  counters.ended({ direction: "upload", outcome: "done" });
  counters.ended({ direction: "copy", outcome: "interrupted" });
  counters.refused("QUOTA_EXCEEDED");
  counters.refused("FILES_EXCEEDED");
  counters.refused("EXISTS");
  for (const event of ["login", "login-failed", "login-failed", "session"])
    counters.heard({ event });

  expect(counters.transfers("upload", "done")).toBe(2);
  expect(counters.transfers("upload", "failed")).toBe(0);
  expect(counters.transfers("copy", "interrupted")).toBe(1);
  expect([...counters.errors]).toEqual([
    ["QUOTA_EXCEEDED", 1],
    ["FILES_EXCEEDED", 1],
    ["EXISTS", 1],
  ]);
  expect([counters.quotaRefusals, counters.signIns, counters.refusedSignIns]).toEqual([2, 1, 2]);
});
