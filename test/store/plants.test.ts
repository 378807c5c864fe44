/**
 * Row P3: things that somebody planted in a home or among the parts, and every
 * operation on each. What leaves the home is refused by every way; a link that stays
 * inside is followed by the kernel alone.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import type { Home } from "../../src/store/store.ts";
import {
  WAYS,
  makeFifo,
  makeScratchDir,
  openScratch,
  outcomeOf,
  put,
  removeTree,
  snapshot,
} from "./scratch.ts";
import type { Scratch } from "./scratch.ts";

interface Plant {
  readonly name: string;
  readonly kind: "link" | "other";
  readonly plant: (path: string, scratch: Scratch) => void;
  /** Outcome of opening it as a file, and of everything that goes through it; by kernel. */
  readonly kernel: readonly [open: string, through: string];
  /** The same by walk and by path. */
  readonly walk: readonly [open: string, through: string];
}

const REFUSED = ["OUTSIDE_HOME", "OUTSIDE_HOME"] as const;
const NO_FILE = ["NOT_A_FILE", "NOT_A_DIRECTORY"] as const;

const PLANTS: readonly Plant[] = [
  linkTo("out of the home, by an absolute path", "/etc", REFUSED),
  linkTo("out of the home", "../../outside", REFUSED),
  linkTo("to a file outside", "../../outside/f", REFUSED),
  linkTo("out of the home by another link", "chain", REFUSED),
  linkTo("to a sibling's home", "../alice", REFUSED),
  linkTo("to the server's own files", "../.ftpx/parts", REFUSED),
  linkTo("into nothing outside", "../nowhere", REFUSED),
  linkTo("into nothing inside", "nowhere", ["NO_SUCH_PATH", "NO_SUCH_PATH"]),
  linkTo("to itself", "planted", REFUSED),
  linkTo("through /proc", "/proc/self/root", REFUSED),
  linkTo("out and in again", "../al/sub", REFUSED),
  linkTo("to a directory inside", "sub", ["IS_A_DIRECTORY", "done"]),
  linkTo("to a file inside", "sub/f", ["done", "NOT_A_DIRECTORY"]),
  { name: "a FIFO", kind: "other", plant: makeFifo, kernel: NO_FILE, walk: NO_FILE },
  { name: "a socket", kind: "other", plant: copySocket, kernel: NO_FILE, walk: NO_FILE },
  { name: "a device", kind: "other", plant: makeDevice, kernel: NO_FILE, walk: NO_FILE },
];

/** Only root makes devices; elsewhere the row is shown as skipped. */
const canMakeDevices = process.getuid?.() === 0;

let socketDir = "";
let server: { stop(): void };

beforeAll(() => {
  socketDir = makeScratchDir();
  server = Bun.listen({ unix: join(socketDir, "socket"), socket: { data: () => {} } });
});
afterAll(() => {
  server.stop();
  fs.rmSync(socketDir, { recursive: true });
});

for (const way of WAYS) {
  for (const plant of PLANTS) {
    const isSkipped = plant.plant === makeDevice && !canMakeDevices;
    test.skipIf(isSkipped)(`P3 nothing leaves a home by ${plant.name} (${way})`, async () => {
      const scratch = await openPlanted(plant, way);
      const outside = outsideOf(scratch);
      const [open, through] = way === "kernel" ? plant.kernel : plant.walk;

      const started = performance.now();
      expect(await outcomeOf(openAndClose(scratch.home, "/planted"))).toBe(open);
      for (const [verb, work] of worksThrough(scratch)) {
        expect(`${verb}: ${await outcomeOf(work())}`).toBe(`${verb}: ${through}`);
      }
      await expectOnlyItselfIsTouched(scratch, plant);
      expect(performance.now() - started).toBeLessThan(1_000);
      expect(outsideOf(scratch)).toEqual(outside);
      await scratch.close();
    });
  }

  test(`P3 nothing but a file is used as a part (${way})`, async () => {
    const scratch = await openPlanted(PLANTS[0] as Plant, way);
    const { store, home, storageDir, close } = scratch;
    const parts = join(storageDir, ".ftpx/parts");
    fs.symlinkSync("../../../outside/f", join(parts, "link"));
    makeFifo(join(parts, "fifo"));
    fs.mkdirSync(join(parts, "dir"));
    const outside = outsideOf(scratch);

    for (const [id, open] of [
      ["link", "OUTSIDE_HOME"],
      ["fifo", "NOT_A_FILE"],
      ["dir", "IS_A_DIRECTORY"],
    ] as const) {
      expect(await outcomeOf(store.parts.open(id))).toBe(open);
      expect(await outcomeOf(store.parts.create(id))).toBe("EXISTS");
      expect(await outcomeOf(home.publish(id, parsePath("/n")))).toBe("NOT_A_FILE");
    }
    await store.parts.remove("link");
    await store.parts.remove("fifo");
    expect(await outcomeOf(store.parts.remove("dir"))).toBe("IS_A_DIRECTORY");
    expect(await store.parts.list()).toEqual(["dir"]);
    expect(outsideOf(scratch)).toEqual(outside);
    await close();
  });
}

/** A home with "/sub" and "/file" in it, strangers around it, and "/planted". */
async function openPlanted(plant: Plant, way: (typeof WAYS)[number]): Promise<Scratch> {
  const scratch = await openScratch({ way });
  const { dir, homeDir, store } = scratch;
  await (await store.openHome("alice")).close();
  for (const place of [join(dir, "outside"), join(dir, "storage/alice"), join(homeDir, "sub")]) {
    fs.mkdirSync(join(place, "d/e"), { recursive: true });
    fs.mkdirSync(join(place, "empty"));
    fs.writeFileSync(join(place, "f"), `of ${place}`);
    fs.writeFileSync(join(place, "g"), `of ${place}`);
  }
  fs.writeFileSync(join(homeDir, "file"), "a file");
  fs.symlinkSync("../../outside", join(homeDir, "chain"));
  plant.plant(join(homeDir, "planted"), scratch);
  return scratch;
}

/** All that no operation on the home may change. */
function outsideOf({ dir, homeDir }: Scratch): string[] {
  const home = homeDir.slice(dir.length + 1);
  return snapshot(dir).filter((line) => !line.startsWith(home) && !line.includes(".ftpx"));
}

function worksThrough({ store, home }: Scratch): [string, () => Promise<unknown>][] {
  const path = parsePath;
  return [
    ["facts", () => home.facts(path("/planted/f"))],
    ["list", () => home.list(path("/planted")).then((listing) => listing.close())],
    ["openFile", () => openAndClose(home, "/planted/f")],
    ["makeDir", () => home.makeDir(path("/planted/new"))],
    ["publish", () => put(store, home, "/planted/part", "new")],
    ["publish over", () => put(store, home, "/planted/f", "new")],
    ["syncParent", () => home.syncParent(path("/planted/f"))],
    ["move out", () => home.move(path("/planted/f"), path("/moved-f"))],
    ["move in", () => home.move(path("/file"), path("/planted/moved"))],
    ["removeFile", () => home.removeFile(path("/planted/g"))],
    ["removeDir", () => home.removeDir(path("/planted/empty"))],
    ["removeTree", () => removeTree(home, "/planted/d")],
  ];
}

async function openAndClose(home: Home, path: string): Promise<void> {
  await (await home.openFile(parsePath(path))).close();
}

/** What is done with the planted thing itself neither follows nor replaces it. */
async function expectOnlyItselfIsTouched(scratch: Scratch, plant: Plant): Promise<void> {
  const { store, home, homeDir } = scratch;
  const [planted, moved] = [parsePath("/planted"), parsePath("/moved")];
  const before = lineOf("planted", homeDir);
  fs.writeFileSync(join(homeDir, "another"), "another file");

  expect((await home.facts(planted)).kind).toBe(plant.kind);
  expect(await outcomeOf(home.makeDir(planted))).toBe("EXISTS");
  expect(await outcomeOf(put(store, home, "/planted", "new"))).toBe("EXISTS");
  expect(await outcomeOf(home.move(parsePath("/another"), planted))).toBe("EXISTS");
  expect(await outcomeOf(home.move(planted, parsePath("/another")))).toBe("EXISTS");
  expect(await outcomeOf(home.removeDir(planted))).toBe("NOT_A_DIRECTORY");
  expect(await outcomeOf(removeTree(home, "/planted"))).toBe("NOT_A_DIRECTORY");
  expect(lineOf("planted", homeDir)).toBe(before);

  expect(await home.move(planted, moved)).toEqual({ bytes: 0, files: 0 });
  expect(lineOf("moved", homeDir)).toBe(before?.replace("planted", "moved"));
  expect(await home.removeFile(moved)).toEqual({ bytes: 0, files: 1 });
  expect(fs.existsSync(join(homeDir, "sub"))).toBe(true);
}

function lineOf(name: string, dir: string): string | undefined {
  return snapshot(dir).find((line) => line.startsWith(`${name} `));
}

function linkTo(name: string, target: string, kernel: Plant["kernel"]): Plant {
  const plant = (path: string) => fs.symlinkSync(target, path);
  return { name: `a link ${name}`, kind: "link", plant, kernel, walk: REFUSED };
}

/** A second name of a socket: a path in a home may be too long to listen at. */
function copySocket(path: string): void {
  fs.linkSync(join(socketDir, "socket"), path);
}

function makeDevice(path: string): void {
  const { exitCode } = Bun.spawnSync(["mknod", path, "c", "1", "3"]);
  if (exitCode !== 0) throw new Error("mknod failed");
}
