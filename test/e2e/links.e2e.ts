/**
 * Links of this machine in the way of `get`, through the compiled executable: one that a person
 * names is followed, as cp does; one that stands where the server's name leads is not, when it
 * leads out of the directory.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { readTree, writeAt } from "./ground.ts";

let scene: Scene;
let server: Server;
let target: string;
let outside: string;
let caseCount = 0;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  const home = join(scene.data, "storage/ann");
  fs.mkdirSync(join(home, "tree"), { recursive: true });
  for (const name of ["a.bin", "b.bin", "tree/f"]) writeAt(home, name, `theirs ${name}`);
});

afterAll(() => scene.end());

beforeEach(() => {
  caseCount += 1;
  [target, outside] = [scene.path(`target${caseCount}`), scene.path(`outside${caseCount}`)];
  fs.mkdirSync(target);
  fs.mkdirSync(outside);
  for (const name of ["f", "g"]) writeAt(outside, name, `mine ${name}`);
});

const get = (words: readonly string[], cwd = scene.folder) =>
  scene.run(["get", ...words], { env: { FTPX_PASSWORD: "pw" }, cwd });
const there = (path: string) => server.target("ann", path);
const OUT = "a symbolic link here leads out of the target directory";

test("a file that comes under the server's name is not written through a link that leads out", async () => {
  fs.symlinkSync(join(outside, "f"), join(target, "a.bin"));
  fs.symlinkSync(join("..", `outside${caseCount}`, "g"), join(target, "b.bin"));
  const before = readTree(outside);

  for (const [words, cwd] of [
    [[there("/a.bin"), `${target}/`], undefined],
    [[there("/a.bin"), target], undefined],
    [[there("/a.bin")], target],
    [[there("/?.bin"), target], undefined],
    [[there("/a.bin"), "/b.bin", target], undefined],
    [[there("/a.bin"), target, "--dry-run"], undefined],
  ] as const) {
    const got = await get(words, cwd);
    expect([got.status, got.stderr]).toEqual([73, expect.stringContaining(OUT)]);
    expect(readTree(outside)).toEqual(before);
  }
  expect(Object.keys(readTree(target))).toEqual(["a.bin", "b.bin"]);
});

test("a tree that comes under the server's name does not go through a link that leads out", async () => {
  fs.symlinkSync(outside, join(target, "tree"));
  const before = readTree(outside);

  for (const words of [
    ["-r", there("/tree"), `${target}/`],
    ["-r", there("/tr*"), target],
    ["-r", "--dry-run", there("/tree"), target],
  ]) {
    const got = await get(words);
    expect([got.status, got.stderr]).toEqual([73, expect.stringContaining(OUT)]);
    expect(readTree(outside)).toEqual(before);
  }
});

test("a link inside the directory is followed, and so is one that was named", async () => {
  fs.mkdirSync(join(target, "inside"));
  writeAt(target, "inside/a", "mine");
  fs.symlinkSync("inside/a", join(target, "a.bin"));
  fs.symlinkSync("inside", join(target, "tree"));
  fs.symlinkSync(join(outside, "f"), scene.path(`named${caseCount}`));
  fs.symlinkSync(outside, scene.path(`way${caseCount}`));

  const runs = [
    await get([there("/a.bin"), target]),
    await get(["-r", there("/tree"), target]),
    await get([there("/b.bin"), scene.path(`named${caseCount}`)]),
    await get(["-r", there("/tree"), scene.path(`way${caseCount}`)]),
  ];

  expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(fs.lstatSync(join(target, "a.bin")).isSymbolicLink()).toBe(true);
  expect(fs.readFileSync(join(target, "inside/a"), "utf8")).toBe("theirs a.bin");
  expect(fs.readFileSync(join(target, "inside/f"), "utf8")).toBe("theirs tree/f");
  expect(fs.readFileSync(join(outside, "f"), "utf8")).toBe("theirs b.bin");
  expect(fs.readFileSync(join(outside, "tree/f"), "utf8")).toBe("theirs tree/f");
});
