import { afterEach, expect, mock, spyOn, test } from "bun:test";
import { RENAME_MS_MAX } from "../../src/base/limits.ts";
import { renamePatiently } from "../../src/base/renaming.ts";
import { codeOf } from "../support/errno.ts";
import { outcomeOf } from "../support/refusal.ts";

afterEach(() => {
  mock.restore();
});

/** A rename that fails so often. */
function failing(code: string, times: number) {
  const tries = { count: 0 };
  const rename = async () => {
    tries.count += 1;
    if (tries.count <= times) throw Object.assign(new Error(code), { code });
  };
  return { tries, rename };
}

test.each(["EPERM", "EACCES", "EBUSY"])(
  "F6: on Windows a file that somebody has open is waited for (%s)",
  async (code) => {
    const { tries, rename } = failing(code, 2);
    await renamePatiently("a", "b", "win32", rename);

    expect(tries.count).toBe(3);
  },
);

test("F6: what stays open is refused when the time is over", async () => {
  let nowMs = 0;
  spyOn(performance, "now").mockImplementation(() => (nowMs += RENAME_MS_MAX / 2));
  const { tries, rename } = failing("EPERM", Infinity);

  expect(await outcomeOf(renamePatiently("a", "b", "win32", rename))).toBe("IN_USE");
  expect(tries.count).toBe(2);
});

test.each([
  ["linux", "EPERM"],
  ["darwin", "EACCES"],
  ["win32", "ENOENT"],
  ["win32", "EXDEV"],
] as const)("on %s %s is told at once", async (platform, code) => {
  const { tries, rename } = failing(code, Infinity);

  expect(await codeOf(renamePatiently("a", "b", platform, rename))).toBe(code);
  expect(tries.count).toBe(1);
});
