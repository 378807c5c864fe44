import { expect, test } from "bun:test";
import { mkdir, stat } from "node:fs/promises";
import { Place } from "../../src/cli/place.ts";
import { Folder } from "../support/folder.ts";

test("storage and what is the server's own in it are private, also when they are there", async () => {
  const folder = new Folder();
  await mkdir(folder.at("storage/.ftpx"), { recursive: true, mode: 0o755 });
  const place = new Place(folder.path);
  await place.prepare();

  expect((await stat(place.storage)).mode & 0o777).toBe(0o700);
  expect((await stat(place.own)).mode & 0o777).toBe(0o700);
  folder.remove();
});
