import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import fs from "node:fs";
import { makeDirectories } from "../../src/base/directories.ts";
import { mayUse } from "../../src/base/ways.ts";
import { Folder } from "../support/folder.ts";

let folder: Folder;
let synced: string[];

beforeEach(() => {
  folder = new Folder();
  synced = [];
  const { fsync } = fs;
  spyOn(fs, "fsync").mockImplementation(((fd: number, done: fs.NoParamCallback) => {
    synced.push(fs.readlinkSync(`/proc/self/fd/${fd}`).slice(folder.path.length));
    fsync(fd, done);
  }) as typeof fs.fsync);
});

afterEach(() => {
  mock.restore();
  folder.remove();
});

test.skipIf(!mayUse("directory-sync") || !fs.existsSync("/proc/self/fd"))(
  "F10: every directory that got a new entry is synced, and no other",
  async () => {
    await makeDirectories(folder.at("a/b/c"));
    expect(synced).toEqual(["/a/b", "/a", ""]);
    synced = [];
    await makeDirectories(folder.at("a/b/d"));
    expect(synced).toEqual(["/a/b"]);
    synced = [];
    await makeDirectories(folder.at("a/b/d"));

    expect(synced).toEqual([]);
    expect(fs.statSync(folder.at("a/b/d")).isDirectory()).toBe(true);
  },
);
