import { expect, test } from "bun:test";
import { mkdir, stat } from "node:fs/promises";
import { Place } from "../../src/cli/place.ts";
import { Folder } from "../support/folder.ts";

const names = (who: string) => Array.from({ length: 12 }, (_hole, index) => `${who}${index}`);

test("storage and what is the server's own in it are private, also when they are there", async () => {
  const folder = new Folder();
  await mkdir(folder.at("storage/.ftpx"), { recursive: true, mode: 0o755 });
  const place = new Place(folder.path);
  await place.prepare();

  expect((await stat(place.storage)).mode & 0o777).toBe(0o700);
  expect((await stat(place.own)).mode & 0o777).toBe(0o700);
  folder.remove();
});

test("writers of accounts.toml wait for each other, in this process and in others", async () => {
  const folder = new Folder();
  await new Place(folder.path).accounts().create();
  const source = new URL("../../src/cli/place.ts", import.meta.url).pathname;
  const program = `import { Place } from ${JSON.stringify(source)};
    const directory = new Place(${JSON.stringify(folder.path)}).accounts();
    for (const name of ${JSON.stringify(names("other"))}) await directory.add(name, {});`;
  const other = Bun.spawn([process.execPath, "-e", program], { stderr: "inherit" });
  const [one, two] = [new Place(folder.path).accounts(), new Place(folder.path).accounts()];
  await Promise.all([
    ...names("one").map((name) => one.add(name, {})),
    ...names("two").map((name) => two.add(name, {})),
  ]);
  expect(await other.exited).toBe(0);

  await one.load();
  const all = ["one", "two", "other"].flatMap((who) => names(who));
  expect([...one.accounts.keys()].toSorted()).toEqual(all.toSorted());
  folder.remove();
});
