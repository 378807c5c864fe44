/** sync, both ways, through the compiled executable. FTPX_TREE_FILES makes the large tree larger. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { linesOf, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { ODD_NAMES, plant, readTree, writeAt } from "./ground.ts";

const TREE_FILES = Number(process.env["FTPX_TREE_FILES"] ?? 300);

let scene: Scene;
let server: Server;
let caseCount = 0;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterAll(() => scene.end());

const ENV = { env: { FTPX_PASSWORD: "pw" } };

/** A directory here and one on the server that nobody else uses. */
function sides() {
  caseCount += 1;
  const name = `case${caseCount}`;
  const here = scene.path(name);
  const there = [scene.data, "storage/ann", name].join("/");
  fs.mkdirSync(here);
  const target = server.target("ann", `/${name}`);
  const sync = (...words: string[]) => scene.run(["sync", ...words], ENV);
  return {
    here,
    there,
    target,
    send: (...options: string[]) => sync(...options, here, target),
    fetch: (...options: string[]) => sync(...options, target, here),
    sync,
  };
}

async function synced(run: Promise<{ stdout: string }>): Promise<Record<string, unknown>> {
  const last = (await run).stdout.trim().split("\n").at(-1) ?? "{}";
  return JSON.parse(last) as Record<string, unknown>;
}

test("a tree with odd names becomes the same on the other side, and a second run moves nothing", async () => {
  const { here, there, target, send, sync } = sides();
  fs.mkdirSync(join(here, "in ner/empty"), { recursive: true });
  for (const [index, name] of ODD_NAMES.entries()) {
    writeAt(here, name, `a${index}`, 1_500_000_000 + index / 8);
    writeAt(join(here, "in ner"), name, `b${index}`, 1_400_000_000 + index);
  }
  const back = scene.path("sync-back");
  const count = 2 * ODD_NAMES.length;

  expect(await synced(send("--json"))).toMatchObject({ event: "synced", sent: count, failed: 0 });
  expect(readTree(there)).toEqual(readTree(here));
  expect(await synced(send("--json"))).toMatchObject({ sent: 0, same: count, bytes: 0 });
  expect(await synced(sync("--json", target, back))).toMatchObject({ sent: count, failed: 0 });
  expect(readTree(back)).toEqual(readTree(here));
  expect(await synced(sync("--json", target, back))).toMatchObject({ sent: 0, same: count });
  expect(await synced(sync("--json", "--checksum", back, target))).toMatchObject({ sent: 0 });
});

test("what differs in size or time is sent, --checksum looks at the content", async () => {
  const { here, there, send } = sides();
  for (const name of ["size", "time", "same", "hidden"]) writeAt(here, name, "1", 1_600_000_000);
  await send();
  writeAt(here, "size", "22", 1_600_000_000);
  writeAt(here, "time", "2", 1_600_000_001);
  writeAt(here, "hidden", "2", 1_600_000_000);

  expect(await synced(send("--json"))).toMatchObject({ sent: 2, same: 2 });
  expect(fs.readFileSync(join(there, "hidden"), "utf8")).toBe("1");
  expect(await synced(send("--json", "--checksum"))).toMatchObject({ sent: 1, same: 3 });
  expect(readTree(there)).toEqual(readTree(here));
  fs.utimesSync(join(here, "same"), 1, 1);
  expect(await synced(send("--json", "--checksum"))).toMatchObject({ sent: 0, same: 4 });
});

test("--delete removes what is too much in DEST, and nothing else; --dry-run only says so", async () => {
  const { here, there, send, fetch } = sides();
  fs.mkdirSync(join(here, "keep"));
  writeAt(here, "keep/f", "1", 1_600_000_000);
  await send();
  fs.mkdirSync(join(there, "old/deep"), { recursive: true });
  for (const name of ["old/deep/f", "stray", "keep/stray"])
    fs.writeFileSync(join(there, name), "1");
  const before = readTree(there);
  const beside = readTree(join(there, ".."));

  const dry = await send("--delete", "--dry-run");
  expect(dry.stdout.split("\n").toSorted()).toEqual([
    "",
    "delete  keep/stray",
    "delete  old",
    "delete  old/deep",
    "delete  old/deep/f",
    "delete  stray",
  ]);
  expect(await synced(send("--json"))).toMatchObject({ sent: 0, deleted: 0 });
  expect(readTree(there)).toEqual(before);

  expect(await synced(send("--json", "--delete"))).toMatchObject({ deleted: 5, failed: 0 });
  expect(readTree(there)).toEqual(readTree(here));
  const gone = ["", "/old", "/old/deep", "/old/deep/f", "/stray", "/keep/stray"].map(
    (path) => `case${caseCount}${path}`,
  );
  const left = Object.keys(beside).filter((path) => !gone.slice(1).includes(path));
  expect(Object.keys(readTree(join(there, "..")))).toEqual(left);

  fs.mkdirSync(join(here, "local/only"), { recursive: true });
  fs.symlinkSync("/etc", join(here, "local/link"));
  expect(await synced(fetch("--json", "--delete"))).toMatchObject({ deleted: 3, failed: 0 });
  expect(Object.keys(readTree(here))).toEqual(["keep", "keep/f"]);
  expect(fs.existsSync("/etc/passwd")).toBe(true);
});

test("nothing is deleted when not all was sent, or when the source cannot be read", async () => {
  const { here, there, target, send, sync } = sides();
  fs.mkdirSync(there);
  for (const name of ["a", "stray"]) fs.writeFileSync(join(there, name), "1");
  fs.mkdirSync(join(there, "b"));
  const before = readTree(there);
  const missing = await sync("--delete", `${here}-none`, target);
  expect([missing.status, missing.stderr]).toEqual([66, expect.stringContaining("no such local")]);
  const file = scene.path("no-directory");
  fs.writeFileSync(file, "1");
  expect((await sync("--delete", file, target)).status).not.toBe(0);
  expect(readTree(there)).toEqual(before);

  // A file that is larger than the quota fails, so the stray one stays.
  writeAt(here, "a", "1", 1_600_000_000);
  fs.truncateSync(join(here, "a"), 20 * 1024 ** 3);
  const failed = await send("--delete");
  expect(failed.status).toBe(73);
  expect(failed.stderr).toContain("nothing was deleted, because not all was sent");
  expect(readTree(there)).toEqual(before);
});

test("a file where a directory must be, and the reverse, are replaced with --delete only", async () => {
  const { here, there, send, fetch } = sides();
  fs.mkdirSync(join(here, "x"));
  for (const name of ["x/f", "y"]) writeAt(here, name, name, 1_600_000_000);
  fs.mkdirSync(join(there, "y/deep"), { recursive: true });
  for (const name of ["x", "y/deep/f"]) fs.writeFileSync(join(there, name), "old");

  const refused = await send();
  expect(refused.status).toBe(73);
  expect(refused.stderr).toContain("/x: a file stands where a directory must be");
  expect(refused.stderr).toContain("/y: a directory stands where a file must be");
  expect(Object.keys(readTree(there))).toEqual(["x", "y", "y/deep", "y/deep/f"]);

  expect((await send("--delete")).status).toBe(0);
  expect(readTree(there)).toEqual(readTree(here));

  fs.rmSync(join(here, "x"), { recursive: true });
  fs.symlinkSync("/etc", join(here, "x"));
  fs.rmSync(join(here, "y"));
  fs.symlinkSync("/etc/hostname", join(here, "y"));
  const links = await fetch();
  expect([links.status, links.stderr.match(/a symbolic link stands where/g)?.length]).toEqual([
    73, 2,
  ]);
  expect((await fetch("--delete")).status).toBe(0);
  expect(readTree(here)).toEqual(readTree(there));
});

test("rules: the first that fits wins, and what is left out is not deleted either", async () => {
  const { here, there, send } = sides();
  for (const directory of ["src", "tmp", "src/tmp"]) fs.mkdirSync(join(here, directory));
  const names = ["a.o", "keep.o", "src/a.o", "src/a.c", "tmp/x", "src/tmp/x", ".x.o"];
  for (const name of names) writeAt(here, name, name, 1_600_000_000);
  fs.mkdirSync(join(there, "tmp"), { recursive: true });
  for (const name of ["old.o", "old.c", "tmp/old"]) fs.writeFileSync(join(there, name), "1");

  const rules = ["--include", "keep.o", "--exclude", "*.o", "--exclude", "/tmp"];
  const ran = await send("--delete", ...rules);

  expect(ran.status).toBe(0);
  expect(Object.keys(readTree(there))).toEqual([
    "keep.o",
    "old.o",
    "src",
    "src/a.c",
    "src/tmp",
    "src/tmp/x",
    "tmp",
    "tmp/old",
  ]);
  await send(
    "--delete",
    "--exclude",
    "tmp/",
    "--include",
    "*/",
    "--include",
    "a.*",
    "--exclude",
    "*",
  );
  expect(Object.keys(readTree(there))).toContain("a.o");
  expect(Object.keys(readTree(there))).toContain("src/a.o");
});

test("a path that is too long for the other side is a failure of its own", async () => {
  const { here, there, target, sync } = sides();
  const names = Array.from({ length: 14 }, () => "n".repeat(250));
  fs.mkdirSync(join(here, ...names), { recursive: true });
  writeAt(join(here, ...names), "f", "1", 1_600_000_000);
  writeAt(here, "f", "1", 1_600_000_000);
  const below = target.replace(
    /(case\d+)/,
    `$1/${"m".repeat(250)}/${"m".repeat(250)}/${"m".repeat(250)}`,
  );
  const ran = await sync("--delete", here, below);

  expect([ran.status, ran.stderr]).toEqual([
    73,
    expect.stringContaining("name or path is too long"),
  ]);
  expect(Object.keys(readTree(there)).some((path) => path.endsWith("m/f"))).toBe(true);
});

test("in the shell the server's side begins with a colon", async () => {
  const { here, there } = sides();
  writeAt(here, "f", "1", 1_600_000_000);
  const name = `case${caseCount}`;
  const stdin = `sync ${here} :${name}\nsync :${name} back-${name}\nsync a b\nsync :a :b\n`;
  const ran = await scene.run(["connect", server.target("ann")], { ...ENV, stdin });

  expect(readTree(there)).toEqual(readTree(here));
  expect(readTree(scene.path(`back-${name}`))).toEqual(readTree(here));
  expect(ran.stderr.match(/begins with a colon/g)).toHaveLength(2);
});

test("both sides here, both there, or nobody knows: USAGE", async () => {
  const { here, target } = sides();
  for (const words of [
    ["./a", "./b"],
    [target, target],
    [here, here],
    ["nothing", "either"],
  ]) {
    expect((await scene.run(["sync", ...words], ENV)).status).toBe(64);
  }
});

test("a sync that is interrupted three times each way ends in the same tree", async () => {
  const { here, there, target } = sides();
  plant(here, TREE_FILES);
  const back = scene.path("large-back");
  for (const words of [
    [here, target],
    [target, back],
  ]) {
    for (let round = 0; round < 3; round += 1) {
      const child = scene.start(["sync", ...words, "--json", "--jobs", "2"], ENV);
      let doneCount = 0;
      for await (const line of linesOf(child.stdout)) {
        if (!line.includes('"done"')) continue;
        doneCount += 1;
        if (doneCount === Math.ceil(TREE_FILES / 10)) child.kill("SIGINT");
      }
      expect(await child.exited).toBe(130);
    }
    const run = scene.run(["sync", ...words, "--json"], ENV);
    expect(await synced(run)).toMatchObject({ event: "synced", failed: 0 });
    expect(await synced(scene.run(["sync", ...words, "--json", "--delete"], ENV))).toMatchObject({
      sent: 0,
      same: TREE_FILES,
      deleted: 0,
    });
  }

  expect(readTree(there)).toEqual(readTree(here));
  expect(readTree(back)).toEqual(readTree(here));
}, 600_000);
