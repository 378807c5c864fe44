import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { History } from "../../src/cli/history.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ftpx-history-"));
});

afterEach(() => rm(folder, { recursive: true }));

test("history is there again in the next session, for its user alone", async () => {
  const home = join(folder, "home");
  const first = await History.open(home);
  for (const line of ["ls", "cd a", "cd a", "", "  ", "ls"]) await first.add(line);

  const second = await History.open(home);
  expect(second.lines).toEqual(["ls", "cd a", "ls"]);
  expect((await stat(join(home, "history"))).mode & 0o777).toBe(0o600);
});

test("history that others could read is closed to them", async () => {
  await writeFile(join(folder, "history"), "ls\n", { mode: 0o644 });
  await History.open(folder);
  expect((await stat(join(folder, "history"))).mode & 0o777).toBe(0o600);
});

test("history keeps the latest 2000 lines", async () => {
  const lines = Array.from({ length: 2500 }, (_, index) => `ls ${index}`);
  await writeFile(join(folder, "history"), `${lines.join("\n")}\n`);

  const history = await History.open(folder);
  await history.add("last");
  expect(history.lines).toHaveLength(2000);
  expect(history.lines.at(-1)).toBe("last");
  expect((await readFile(join(folder, "history"), "utf8")).split("\n")).toHaveLength(2002);
});

test("history that cannot be kept is no failure", async () => {
  await writeFile(join(folder, "file"), "");
  const history = await History.open(join(folder, "file"));
  await history.add("ls");
  expect(history.lines).toEqual(["ls"]);
});

test("a forgetful history writes nothing", async () => {
  const history = History.forgetful();
  await history.add("ls");
  expect(history.lines).toEqual(["ls"]);
});
