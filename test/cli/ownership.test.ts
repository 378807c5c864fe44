import { expect, test } from "bun:test";
import { keepingOwner } from "../../src/cli/ownership.ts";
import { Place } from "../../src/cli/place.ts";
import { Folder } from "../support/folder.ts";

test("what a command of the operator's makes is private, whatever was inherited", async () => {
  const folder = new Folder();
  const before = process.umask(0o002);
  try {
    await keepingOwner(new Place(folder.path), async () => {
      expect(process.umask()).toBe(0o077);
    });
  } finally {
    process.umask(before);
    folder.remove();
  }
});
