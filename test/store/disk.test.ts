import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { OpenFile } from "../../src/base/openfile.ts";
import { HOME, parsePath } from "../../src/base/path.ts";
import { openDiskStore, refuseOtherDevice } from "../../src/store/disk.ts";
import { storeContract } from "../contract/store.ts";
import {
  NOTHING,
  WAYS,
  countDescriptors,
  growTree,
  makeScratchDir,
  openScratch,
  outcomeOf,
  put,
  removeTree,
  snapshot,
  systemError,
} from "./scratch.ts";
import { refusal } from "../support/refusal.ts";

for (const way of WAYS) {
  describe(way, () => storeContract(`disk store by ${way}`, () => openScratch({ way })));
}

test.each([0, 0o022, 0o077])("modes are private whatever the umask: %d", async (umask) => {
  const before = process.umask(umask);
  const scratch = await openScratch();
  try {
    await scratch.home.makeDir(parsePath("/d"));
    await put(scratch.store, scratch.home, "/d/f", "x");

    const modes = [".ftpx", ".ftpx/parts", "al", "al/d", "al/d/f"].map((name) => {
      const { mode } = fs.statSync(join(scratch.storageDir, name));
      return `${name} ${(mode & 0o777).toString(8)}`;
    });
    expect(modes).toEqual([".ftpx 700", ".ftpx/parts 700", "al 700", "al/d 700", "al/d/f 600"]);
  } finally {
    await scratch.close();
    process.umask(before);
  }
});

test("openDiskStore refuses a umask that takes from the owner", async () => {
  const before = process.umask(0o277);
  try {
    expect(await outcomeOf(openDiskStore("/nowhere"))).toBe("BAD_CONFIG");
  } finally {
    process.umask(before);
  }
});

test("openDiskStore makes .ftpx private, and keeps what it finds", async () => {
  const dir = makeScratchDir();
  fs.mkdirSync(join(dir, ".ftpx/parts"), { recursive: true });
  fs.chmodSync(join(dir, ".ftpx"), 0o755);
  fs.writeFileSync(join(dir, ".ftpx/parts/p"), "held");
  const store = await openDiskStore(dir);

  expect(fs.statSync(join(dir, ".ftpx")).mode & 0o777).toBe(0o700);
  expect(await store.parts.list()).toEqual(["p"]);
  await store.close();
  fs.rmSync(dir, { recursive: true });
});

test("a home on another file system than the parts is refused", async () => {
  const [here, there] = await Promise.all(["/", "/proc"].map((path) => OpenFile.open(path, 0)));
  const facts = [await here?.facts(), await there?.facts()] as const;
  await Promise.all([here?.close(), there?.close()]);
  if (facts[0] === undefined || facts[1] === undefined) throw new Error("no facts");
  const [home, parts] = facts;

  expect(() => refuseOtherDevice("al", home, parts)).toThrow(refusal("BAD_CONFIG"));
  expect(() => refuseOtherDevice("al", home, home)).not.toThrow();
});

test("a home that is a link is refused, wherever it leads", async () => {
  const scratch = await openScratch();
  fs.symlinkSync("al", join(scratch.storageDir, "bo"));

  expect(await outcomeOf(scratch.store.openHome("bo"))).toBe("OUTSIDE_HOME");
  await scratch.close();
});

test("P9 names of homes and parts that are none are bugs of the caller", async () => {
  const scratch = await openScratch();
  for (const user of [".ftpx", "..", "a/b", "", "A", "a\0"]) {
    expect(scratch.store.openHome(user)).rejects.toThrow("not the name of an account");
    expect(scratch.store.removeHome(user)).rejects.toThrow("not the name of an account");
  }
  for (const id of ["..", "a/b", "", "a\0b"]) {
    expect(scratch.store.parts.create(id)).rejects.toThrow("not an id of a part");
    expect(scratch.store.parts.remove(id)).rejects.toThrow("not an id of a part");
  }
  await scratch.close();
});

for (const way of WAYS) {
  test(`P11 EXDEV on rename is an error, and nothing is copied or changed (${way})`, async () => {
    const { store, home, homeDir, close } = await openScratch({
      way,
      changes: (system) => ({ ...system, rename: failAcross, renameNew: failAcross }),
    });
    await home.makeDir(parsePath("/d"));
    fs.writeFileSync(join(homeDir, "f"), "source");
    fs.writeFileSync(join(homeDir, "g"), "target");
    const before = snapshot(homeDir);
    const failure = expect.objectContaining({
      kind: "IO_FAILED",
      details: expect.objectContaining({ reason: "EXDEV" }),
    }) as object;

    expect(put(store, home, "/n", "x")).rejects.toThrow(failure);
    expect(home.move(parsePath("/f"), parsePath("/n"))).rejects.toThrow(failure);
    expect(home.move(parsePath("/f"), parsePath("/g"))).rejects.toThrow(failure);
    expect(home.move(parsePath("/d"), parsePath("/n"))).rejects.toThrow(failure);
    expect(snapshot(homeDir)).toEqual(before);
    await close();
  });

  test(`move of a file over its own hard link counts one file less (${way})`, async () => {
    const { store, home, homeDir, close } = await openScratch({ way });
    await put(store, home, "/f", "12345");
    fs.linkSync(join(homeDir, "f"), join(homeDir, "g"));

    expect(await home.measure()).toEqual({ bytes: 10, files: 2 });
    expect(await home.move(parsePath("/f"), parsePath("/g"))).toEqual({ bytes: 5, files: 1 });
    expect(snapshot(homeDir)).toEqual(["g = 12345"]);
    expect(await home.move(parsePath("/g"), parsePath("/g"))).toEqual(NOTHING);
    expect(snapshot(homeDir)).toEqual(["g = 12345"]);
    await close();
  });
}

test("every call gives its descriptors back, whether it succeeds or not", async () => {
  const scratch = await openScratch();
  const { store, home } = scratch;
  await growTree(scratch, 2, 2);
  const descriptors = countDescriptors(scratch.dir);
  for (const path of ["/t", "/t/f0", "/t/no", "/no/f", "/t/f0/x", "/"].map(parsePath)) {
    await outcomeOf(home.facts(path));
    await outcomeOf(home.list(path).then((listing) => listing.close()));
    await outcomeOf(home.openFile(path).then((file) => file.close()));
    await outcomeOf(home.makeDir(path));
    await outcomeOf(home.removeFile(path));
    await outcomeOf(home.removeDir(path));
    await outcomeOf(home.move(path, parsePath("/t/n")));
    await outcomeOf(home.publish("absent", path));
    await outcomeOf(put(store, home, path, "x"));
    await outcomeOf(home.syncParent(path));
    await outcomeOf(removeTree(home, path));
  }
  await home.measure();

  expect(countDescriptors(scratch.dir)).toBe(descriptors);
  expect((await home.facts(HOME)).kind).toBe("directory");
  await scratch.close();
});

function failAcross(): Promise<void> {
  return Promise.reject(systemError("EXDEV"));
}
