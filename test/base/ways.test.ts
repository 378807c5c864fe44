import { expect, test } from "bun:test";
import { mayUse, SYSTEM_WAYS } from "../../src/base/ways.ts";

test("all ways can be turned off together", () => {
  const left = SYSTEM_WAYS.filter((way) => mayUse(way, "linux", ["all"]));

  expect(left).toEqual([]);
});

test.each([...SYSTEM_WAYS])("%s can be turned off alone", (off) => {
  const left = SYSTEM_WAYS.filter((way) => mayUse(way, "linux", [off]));

  expect(left).toEqual(SYSTEM_WAYS.filter((way) => way !== off));
});

test("Windows has no flags for links and directories, no sync of directories, no unix sockets", () => {
  const absent = SYSTEM_WAYS.filter((way) => !mayUse(way, "win32", []));

  expect(absent.toSorted()).toEqual([
    "directory-flag",
    "directory-sync",
    "no-follow",
    "unix-socket",
  ]);
  expect(SYSTEM_WAYS.filter((way) => !mayUse(way, "darwin", []))).toEqual([]);
});
