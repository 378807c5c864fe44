/**
 * What takes the place of something of another kind, through the compiled executable: nothing
 * goes before its successor is there and proved.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { jsonLines } from "../support/jsonlines.ts";
import { linesOf, Scene, Server } from "./binary.ts";
import { readTree, writeAt } from "./ground.ts";

const ENV = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await scene.addUser("bob", "pw", "--quota", "300K");
  server = await scene.serve();
});

afterAll(() => scene.end());

const home = (...names: string[]) => [scene.data, "storage", ...names].join("/");

test("a server that lists a file which it does not give costs no directory of this machine", async () => {
  const data = scene.path("liar");
  const words = ["useradd", "ann", "--password-stdin", "--data", data];
  expect((await scene.run(words, { stdin: "pw\n" })).status).toBe(0);
  const lie = { name: "photos", kind: "file", bytes: 5, modifiedMs: 5 };
  const program = [join(import.meta.dir, "liar.ts"), data, "/", JSON.stringify([lie])];
  const child = Bun.spawn([process.execPath, ...program], { stdout: "pipe", stderr: "pipe" });
  try {
    const liar = await Server.open(child);
    const here = scene.path("lied");
    fs.mkdirSync(join(here, "photos/deep"), { recursive: true });
    for (const name of ["photos/1.jpg", "photos/deep/2.jpg", "stray"])
      writeAt(here, name, "precious");
    const before = readTree(here);

    const ran = await scene.run(["sync", "--delete", liar.target("ann"), here], ENV);

    expect(ran.status).toBe(66);
    expect(ran.stderr).toContain("nothing was deleted, because not all was sent");
    expect(readTree(here)).toEqual(before);
  } finally {
    child.kill();
    await child.exited;
  }
}, 30_000);

/** Two trees in which a directory, a file and a link have changed places. */
function makeOpposed(name: string): { source: string; target: string } {
  const source = scene.path(`${name}-source`);
  const target = scene.path(`${name}-target`);
  for (const root of [source, target]) fs.mkdirSync(join(root, "deep"), { recursive: true });
  fs.mkdirSync(join(source, "deep/x/y"), { recursive: true });
  fs.mkdirSync(join(target, "deep/z/y"), { recursive: true });
  for (const file of ["deep/x/a", "deep/x/y/b", "deep/z", "deep/l", "top"])
    writeAt(source, file, `new ${file}`, 1_600_000_000);
  for (const file of ["deep/x", "deep/z/a", "deep/z/y/b", "deep/k"])
    writeAt(target, file, `old ${file}`, 1_500_000_000);
  for (const path of ["deep/x/y", "deep/x", "deep", ""]) {
    fs.utimesSync(join(source, path), 1_400_000_000, 1_400_000_000);
  }
  fs.symlinkSync("/etc/hostname", join(target, "deep/l"));
  return { source, target };
}

test("directories, files and links that have changed places become the same, both ways", async () => {
  const { source, target } = makeOpposed("both");
  fs.cpSync(target, home("ann", "both"), { recursive: true, verbatimSymlinks: true });
  const there = server.target("ann", "/both");

  const sent = await scene.run(["sync", "--delete", "--json", source, there], ENV);
  expect([sent.status, sent.stderr]).toEqual([0, ""]);
  expect(readTree(home("ann", "both"), false)).toEqual(readTree(source, false));
  const events = jsonLines(sent.stdout);
  const pathsOf = (name: string) =>
    events
      .filter(({ event }) => event === name)
      .map(({ path }) => String(path))
      .toSorted();
  expect(pathsOf("done")).toEqual(
    ["deep/l", "deep/x/a", "deep/x/y/b", "deep/z", "top"].map((path) => `/both/${path}`),
  );
  expect(events.at(-1)).toMatchObject({ event: "synced", sent: 5, deleted: 7, failed: 0 });

  const fetched = await scene.run(["sync", "--delete", there, target], ENV);
  expect(fetched.status).toBe(0);
  expect(fetched.stdout).toContain("deep/x/y/b  ");
  expect(readTree(target, false)).toEqual(readTree(source, false));
  const again = await scene.run(["sync", "--delete", "--json", there, target], ENV);
  expect(JSON.parse(again.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
    sent: 0,
    same: 5,
  });
});

test("what does not fit beside what stands there leaves it there", async () => {
  const { source, target } = makeOpposed("full");
  fs.truncateSync(join(source, "deep/x/y/b"), 400_000);
  fs.cpSync(target, home("bob", "full"), { recursive: true, verbatimSymlinks: true });
  const before = readTree(home("bob", "full"));
  delete before["deep/l"];

  const ran = await scene.run(["sync", "--delete", source, server.target("bob", "/full")], ENV);

  expect(ran.status).toBe(73);
  expect(ran.stderr).toContain("/full/deep/x/y/b: does not fit into your quota");
  expect(readTree(home("bob", "full"))).toMatchObject(before);
});

test("interrupted while a directory is put together beside its place, it only finishes", async () => {
  const [here, there] = [scene.path("half"), home("ann", "half")];
  fs.mkdirSync(join(here, "d"), { recursive: true });
  fs.mkdirSync(there);
  for (let index = 0; index < 30; index += 1) writeAt(here, `d/f${index}`, "x".repeat(50_000), 1e9);
  fs.writeFileSync(join(there, "d"), "old");
  const words = ["sync", "--delete", "--json", here, server.target("ann", "/half")];
  const child = scene.start([...words, "--limit", "400k", "--jobs", "2"], ENV);
  let doneCount = 0;
  for await (const line of linesOf(child.stdout)) {
    if (!line.includes('"done"')) continue;
    doneCount += 1;
    if (doneCount === 5) child.kill("SIGINT");
  }
  expect(await child.exited).toBe(130);
  expect(fs.readFileSync(join(there, "d"), "utf8")).toBe("old");

  fs.rmSync(join(here, "d/f0"));
  const ran = await scene.run(words, ENV);

  const last = JSON.parse(ran.stdout.trim().split("\n").at(-1) ?? "") as { sent: number };
  expect([ran.status, last.sent <= 25]).toEqual([0, true]);
  expect(readTree(there)).toEqual(readTree(here));
});

/** A sync that is cut off while `d` of the source is put together beside the file `d` there. */
async function leaveSuccessor(here: string, words: readonly string[]): Promise<void> {
  for (let index = 0; index < 9; index += 1) writeAt(here, `d/f${index}`, "x".repeat(50_000), 1e9);
  const child = scene.start([...words, "--limit", "400k", "--jobs", "1"], ENV);
  for await (const line of linesOf(child.stdout)) {
    if (line.includes('"done"')) child.kill("SIGINT");
  }
  expect(await child.exited).toBe(130);
}

test("a successor that was never used goes with the next sync that deletes, and with no other", async () => {
  const [here, there] = [scene.path("stale"), home("ann", "stale")];
  fs.mkdirSync(join(there, "sub"), { recursive: true });
  fs.mkdirSync(join(here, "d"), { recursive: true });
  fs.writeFileSync(join(there, "d"), "old");
  const target = server.target("ann", "/stale");
  const words = ["sync", "--json", here, target];
  await leaveSuccessor(here, [...words, "--delete"]);
  expect(fs.readdirSync(there).toSorted()).toEqual([".d.ftpx-new", "d", "sub"]);
  fs.rmSync(join(here, "d"), { recursive: true });
  writeAt(here, "e", "other", 1e9);
  fs.cpSync(join(there, ".d.ftpx-new"), join(there, "sub/.d.ftpx-new"), { recursive: true });
  // It is the rest of a replaced `d`, which this one leaves out.
  const excluding = ["--exclude", "/d", "--exclude", "/sub/"];
  for (const options of [[], ["--delete", ...excluding], ["--delete", "--dry-run"]]) {
    expect((await scene.run([...words, ...options], ENV)).status).toBe(0);
    expect(fs.existsSync(join(there, ".d.ftpx-new/f0"))).toBe(true);
  }
  const ran = await scene.run([...words, "--delete"], ENV);

  expect(ran.status).toBe(0);
  expect(ran.stdout).toContain('"event":"deleted","path":"/stale/sub/.d.ftpx-new/f0"');
  expect(readTree(there)).toEqual(readTree(here));
  expect(fs.readdirSync(there)).toEqual(["e"]);
  // And the other way round, here.
  fs.mkdirSync(join(here, "x/.y.ftpx-new/z"), { recursive: true });
  expect((await scene.run(["sync", "--delete", target, here], ENV)).status).toBe(0);
  expect(fs.readdirSync(here)).toEqual(["e"]);
});

test("what stands under the name of a successor and is none goes, and nothing behind a link does", async () => {
  const [here, there, outside] = [scene.path("odd"), home("ann", "odd"), scene.path("outside")];
  for (const directory of [here, outside, join(there, "d")])
    fs.mkdirSync(directory, { recursive: true });
  writeAt(there, "d/f", "new", 1e9);
  for (const path of [join(here, "d"), join(outside, "mine")]) fs.writeFileSync(path, "old");
  fs.symlinkSync(outside, join(here, ".d.ftpx-new"));

  const ran = await scene.run(["sync", "--delete", server.target("ann", "/odd"), here], ENV);

  expect(ran.status).toBe(0);
  expect(fs.readdirSync(outside)).toEqual(["mine"]);
  expect(readTree(here, false)).toEqual(readTree(there, false));
});
