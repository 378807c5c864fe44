import { expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { keepingOwner } from "../../src/cli/ownership.ts";
import { Place } from "../../src/cli/place.ts";
import { Folder } from "../support/folder.ts";
import { outcomeOf } from "../support/refusal.ts";

const fail = () => Promise.reject(new FtpxError("BUSY_ACCOUNTS"));

test("what a command of the operator's makes is private, and nothing after it", async () => {
  const folder = new Folder();
  const place = new Place(folder.path);
  const before = process.umask(0o002);
  try {
    await keepingOwner(place, async () => {
      expect(process.umask()).toBe(0o077);
      await keepingOwner(place, async () => {});
      expect(process.umask()).toBe(0o077);
    });
    expect(process.umask()).toBe(0o002);
    expect(await outcomeOf(keepingOwner(place, fail))).toBe("BUSY_ACCOUNTS");
    expect(process.umask()).toBe(0o002);
  } finally {
    process.umask(before);
    folder.remove();
  }
});
