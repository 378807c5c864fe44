import { afterAll, expect, test } from "bun:test";
import fs from "node:fs";
import { Ground, localLeaf, Taken, wavesOf } from "../../src/client/ground.ts";
import { Folder } from "../support/folder.ts";
import { refusal } from "../support/refusal.ts";

const folder = new Folder();
afterAll(() => folder.remove());

test("a ground makes itself and its directories, and takes those that are there", async () => {
  const ground = await Ground.open(folder.at("a/b"), new Taken());
  fs.mkdirSync(folder.at("a/b/there"));
  for (const directory of ["x", "x/y", "there"]) await ground.makeDirectory(directory);
  await ground.sync();

  expect(ground.place("x/y/f")).toBe(folder.at("a/b/x/y/f"));
  expect(fs.readdirSync(folder.at("a/b")).toSorted()).toEqual(["there", "x"]);
  expect(() => ground.place("none/f")).toThrow(refusal("NO_LOCAL_FILE"));
});

test("P5: a link that leads out is no directory and no place, one inside is", async () => {
  fs.mkdirSync(folder.at("g/in"), { recursive: true });
  fs.symlinkSync(folder.path, folder.at("g/out"));
  fs.symlinkSync("in", folder.at("g/link"));
  fs.symlinkSync(`${folder.path}-beside`, folder.at("g/nowhere"));
  const ground = await Ground.open(folder.at("g"), new Taken());
  await ground.makeDirectory("link");

  expect(ground.place("link/f")).toBe(folder.at("g/in/f"));
  expect(ground.makeDirectory("out")).rejects.toThrow(refusal("LEADS_OUT"));
  expect(ground.demandFree("out")).rejects.toThrow(refusal("LEADS_OUT"));
  expect(ground.demandFree("nowhere")).rejects.toThrow(refusal("LOCAL_EXISTS"));
});

test("P8: two names that are one file here are a collision, the first of them stays", async () => {
  const ground = await Ground.open(folder.at("c"), new Taken());
  fs.writeFileSync(folder.at("c/A"), "1");
  await ground.demandFree("A");
  await ground.written("A");
  // As on a file system that folds case, both names lead to one file.
  fs.linkSync(folder.at("c/A"), folder.at("c/a"));
  await ground.demandFree("A");

  expect(ground.demandFree("a")).rejects.toThrow(refusal("NAME_COLLISION"));
  expect(ground.demandUnused(folder.at("c/a"))).rejects.toThrow(refusal("NAME_COLLISION"));
  fs.mkdirSync(folder.at("c/D"));
  await ground.makeDirectory("D");
  fs.symlinkSync("D", folder.at("c/d"));
  expect(ground.makeDirectory("d")).rejects.toThrow(refusal("NAME_COLLISION"));
});

test("what may fall together on some file system is never written at the same time", () => {
  const names = ["a", "b", "A", "\u00e9", "e\u0301", "\u00c9", "straße", "STRASSE"];

  expect(wavesOf(names, (name) => name)).toEqual([
    ["a", "b", "\u00e9", "straße"],
    ["A", "e\u0301", "STRASSE"],
    ["\u00c9"],
  ]);
});

test.each([
  ["a/b", "b"],
  ["a/", "a"],
  [".", ""],
  ["a/..", ""],
  ["/", ""],
])("the last name of %p is %p", (path, leaf) => {
  expect(localLeaf(path)).toBe(leaf);
});
