/** Whole trees, through the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { jsonLines } from "../support/jsonlines.ts";
import { linesOf, Scene, Server } from "./binary.ts";
import { ODD_NAMES, plant, readTree, writeAt } from "./ground.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterAll(() => scene.end());

const ftpx = (...words: string[]) => scene.run(words, { env: { FTPX_PASSWORD: "pw" } });
const home = (...names: string[]) => [scene.data, "storage", ...names].join("/");

function makeOddTree(root: string): void {
  for (const directory of [root, join(root, "in ner/deep"), join(root, "empty/below")]) {
    fs.mkdirSync(directory, { recursive: true });
  }
  for (const [index, name] of ODD_NAMES.entries()) {
    writeAt(root, name, `a${index}`, 1_500_000_000 + index / 8);
    writeAt(join(root, "in ner/deep"), name, `b${index}`, 1_400_000_000 + index);
  }
  fs.utimesSync(join(root, "empty"), 1_300_000_000, 1_300_000_000);
}

test("P7, P8: a tree with odd names goes there and back, byte for byte, times included", async () => {
  const source = scene.path("odd");
  makeOddTree(source);

  const put = await ftpx("put", "-r", source, server.target("ann", "/"));
  fs.utimesSync(home("ann", "odd/empty"), 1_300_000_000, 1_300_000_000);
  const got = await ftpx("get", "-r", server.target("ann", "/odd"), scene.path("back"));

  expect([put.status, put.stderr.trim().split("\n").length]).toEqual([0, 1]);
  expect(put.stderr).toStartWith("24 files, ");
  expect(got.status).toBe(0);
  expect(readTree(home("ann", "odd"))).toEqual(readTree(source));
  expect(readTree(scene.path("back"))).toEqual(readTree(source));
  expect(fs.statSync(scene.path("back/empty")).mtimeMs).toBe(1_300_000_000_000);
  // oxlint-disable-next-line no-control-regex -- what must not reach a terminal
  expect(put.stdout + got.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test("put -r goes into a directory that is there, under its own name, else becomes the new one", async () => {
  const source = scene.path("named");
  fs.mkdirSync(source);
  fs.writeFileSync(join(source, "f"), "1");
  await ftpx("mkdir", server.target("ann", "/there"));

  await ftpx("put", "-r", source, server.target("ann", "/there"));
  await ftpx("put", "-r", source, server.target("ann", "/fresh/"));
  await ftpx("put", "-r", `${source}/.`, server.target("ann", "/there"));
  const missing = await ftpx("put", "-r", source, server.target("ann", "/no/such"));

  expect(readTree(home("ann", "there"), false)).toMatchObject({
    f: expect.any(String),
    "named/f": expect.any(String),
  });
  expect(Object.keys(readTree(home("ann", "fresh")))).toEqual(["f"]);
  expect([missing.status, missing.stderr]).toEqual([
    66,
    expect.stringContaining("no such file or directory"),
  ]);
});

test("links and special files are skipped with a note, a link on the command line is followed", async () => {
  const source = scene.path("linked");
  fs.mkdirSync(join(source, "d"), { recursive: true });
  fs.writeFileSync(join(source, "d/f"), "1");
  fs.symlinkSync("d", join(source, "to-d"));
  fs.symlinkSync("d/f", join(source, "to-f"));
  Bun.spawnSync(["mkfifo", join(source, "pipe")]);
  fs.symlinkSync(source, scene.path("way"));

  const put = await ftpx("put", "-r", "way", server.target("ann", "/linked"));

  expect(put.status).toBe(0);
  for (const name of ["to-d", "to-f"]) {
    expect(put.stderr).toContain(`way/${name}: skipped, a symbolic link`);
  }
  expect(put.stderr).toContain("way/pipe: skipped, neither a file nor a directory");
  expect(Object.keys(readTree(home("ann", "linked")))).toEqual(["d", "d/f"]);
});

test("a link in the target directory that leads out of it is not written through", async () => {
  const [target, outside] = [scene.path("target"), scene.path("outside")];
  fs.mkdirSync(join(target, "inside"), { recursive: true });
  fs.mkdirSync(outside);
  fs.writeFileSync(join(outside, "file"), "mine");
  fs.symlinkSync(outside, join(target, "d"));
  fs.symlinkSync(join(outside, "file"), join(target, "f"));
  fs.symlinkSync("inside", join(target, "in"));
  for (const directory of ["d", "in"])
    fs.mkdirSync(home("ann", "cross", directory), { recursive: true });
  for (const name of ["f", "d/x", "in/y"]) fs.writeFileSync(home("ann", "cross", name), "theirs");

  fs.renameSync(target, scene.path("cross"));
  const merged = await ftpx("get", "-r", server.target("ann", "/cross"), `${scene.folder}/`);

  expect(merged.status).toBe(73);
  expect(merged.stderr.match(/leads out of the target directory/g)).toHaveLength(2);
  expect(readTree(outside, false)).toEqual({ file: expect.any(String) });
  expect(fs.readFileSync(scene.path("cross/inside/y"), "utf8")).toBe("theirs");
});

const LIES = [
  "../../x",
  "/etc/x",
  "a/b",
  "",
  ".",
  "..",
  "a\0b",
  ".ssh/authorized_keys",
  "half\ud800".slice(0, 4) + "/..",
];

test("P5: names that are none are refused one by one, and nothing outside is written", async () => {
  const data = scene.path("liar");
  const words = ["useradd", "ann", "--password-stdin", "--data", data];
  expect((await scene.run(words, { stdin: "pw\n" })).status).toBe(0);
  fs.mkdirSync(join(data, "storage/ann/lies"), { recursive: true });
  for (const name of ["good", "C:\\x"]) fs.writeFileSync(join(data, "storage/ann/lies", name), "1");
  const entries = [...LIES, "good"].map((name) => ({
    name,
    kind: "file",
    bytes: 1,
    modifiedMs: 1,
  }));
  entries.push({ name: "../up", kind: "directory", bytes: 0, modifiedMs: 1 });
  const program = [join(import.meta.dir, "liar.ts"), data, "/lies", JSON.stringify(entries)];
  const child = Bun.spawn([process.execPath, ...program], { stdout: "pipe", stderr: "pipe" });
  try {
    const liar = await Server.open(child);
    const cage = scene.path("cage/inner");
    fs.mkdirSync(cage, { recursive: true });
    const got = await ftpx("get", "-r", liar.target("ann", "/lies"), `${cage}/`, "--json");

    const failed = jsonLines(got.stdout).filter(({ event }) => event === "failed");
    expect(got.status).toBe(76);
    expect(failed.map(({ error }) => String(error)).toSorted()).toEqual([
      "NAME_COLLISION",
      ...Array.from({ length: LIES.length + 1 }, () => "UNSAFE_NAME"),
    ]);
    // On Linux a backslash is a character like others.
    expect(Object.keys(readTree(scene.path("cage")))).toEqual([
      "inner",
      "inner/lies",
      "inner/lies/C:\\x",
      "inner/lies/good",
    ]);
  } finally {
    child.kill();
    await child.exited;
  }
}, 30_000);

test("D6: a tree as deep as a path can be long goes there and back", async () => {
  const source = scene.path("deep");
  const names = Array.from({ length: 14 }, (_, index) => `${index}`.padEnd(250, "n"));
  fs.mkdirSync(join(source, ...names), { recursive: true });
  writeAt(join(source, ...names), "f", "1", 1_600_000_000);

  const put = await ftpx("put", "-r", source, server.target("ann", "/"));
  const got = await ftpx("get", "-r", server.target("ann", "/deep"), scene.path("d"));

  expect([put.status, got.status]).toEqual([0, 0]);
  expect(readTree(scene.path("d"))).toEqual(readTree(source));
});

test("--update leaves what is not older, --no-clobber says what is there, --dry-run touches nothing", async () => {
  const source = scene.path("again");
  fs.mkdirSync(source);
  for (const name of ["a", "b", "c"]) writeAt(source, name, name, 1_600_000_000);
  await ftpx("put", "-r", source, server.target("ann", "/"));
  writeAt(source, "b", "B", 1_600_000_100);
  writeAt(source, "c", "C", 1_500_000_000);
  const before = readTree(home("ann", "again"));

  const dry = await ftpx(
    "put",
    "-r",
    "--update",
    "--dry-run",
    source,
    server.target("ann", "/"),
    "--json",
  );
  expect(jsonLines<unknown>(dry.stdout)).toEqual([
    { event: "would", action: "copy", path: "/again/b", bytes: 1 },
  ]);
  expect(readTree(home("ann", "again"))).toEqual(before);

  const put = await ftpx("put", "-r", "--update", source, server.target("ann", "/"));
  expect(put.status).toBe(0);
  expect(put.stderr).toMatch(/^1 file, .*; 2 skipped\n$/);
  expect(fs.readFileSync(home("ann", "again/b"), "utf8")).toBe("B");
  expect(fs.readFileSync(home("ann", "again/c"), "utf8")).toBe("c");

  const clobber = await ftpx("put", "-r", "--no-clobber", source, server.target("ann", "/"));
  expect([clobber.status, clobber.stderr]).toEqual([73, expect.stringContaining("exists already")]);
  expect(fs.readFileSync(home("ann", "again/c"), "utf8")).toBe("c");

  const absent = scene.path("absent");
  const fetched = await ftpx("get", "-r", "--dry-run", server.target("ann", "/again"), absent);
  expect(fetched.stdout).toBe(
    `make    ${absent}\ncopy    again/a  1 B\ncopy    again/b  1 B\ncopy    again/c  1 B\n`,
  );
  expect(fs.existsSync(absent)).toBe(false);
});

test("Ctrl-C during a tree says how to go on, and the same command does", async () => {
  const source = scene.path("slow");
  fs.mkdirSync(source);
  for (let index = 0; index < 40; index += 1) writeAt(source, `f${index}`, "x".repeat(50_000));
  const words = ["put", "-r", source, server.target("ann", "/")];
  const child = scene.start([...words, "--limit", "400k", "--jobs", "2"], {
    env: { FTPX_PASSWORD: "pw" },
  });
  const output = child.stdout.getReader();
  await output.read();
  child.kill("SIGINT");
  const stderr = await new Response(child.stderr).text();

  expect(await child.exited).toBe(130);
  expect(stderr).toContain("ftpx: interrupted\nhint: run the same command again");
  expect(Object.keys(readTree(home("ann", "slow"))).length).toBeLessThan(40);
  expect((await ftpx(...words, "--update")).status).toBe(0);
  expect(readTree(home("ann", "slow"))).toEqual(readTree(source));
});

test("a file that vanishes is a failure of its own, and the others are sent", async () => {
  const source = scene.path("vanishing");
  fs.mkdirSync(source);
  for (let index = 0; index < 6; index += 1) writeAt(source, `f${index}`, "x".repeat(50_000));
  const words = ["put", "-r", source, server.target("ann", "/"), "--limit", "200k", "--jobs", "1"];
  const child = scene.start(words, { env: { FTPX_PASSWORD: "pw" } });
  const output = child.stdout.getReader();
  await output.read();
  fs.rmSync(join(source, "f5"));
  const stderr = await new Response(child.stderr).text();

  expect(await child.exited).toBe(66);
  expect(stderr).toContain("f5: no such local file or directory");
  expect(stderr).toContain("5 files, ");
  expect(readTree(home("ann", "vanishing"))).toEqual(readTree(source));
});

test("a line that is cut while a tree goes over it is made again, and all of it arrives", async () => {
  const source = scene.path("cut");
  plant(source, 400);
  const line = scene.line(server.port);
  const back = scene.path("cut-back");
  for (const words of [
    ["put", "-r", source, server.target("ann", "/", line.port)],
    ["get", "-r", server.target("ann", "/cut", line.port), back],
  ]) {
    const child = scene.start([...words, "--json"], { env: { FTPX_PASSWORD: "pw" } });
    let doneCount = 0;
    for await (const text of linesOf(child.stdout)) {
      if (text.includes('"done"')) doneCount += 1;
      if (text.includes('"done"') && [50, 200].includes(doneCount)) line.cut();
    }
    expect([await child.exited, doneCount]).toEqual([0, 400]);
  }

  expect(readTree(home("ann", "cut"))).toEqual(readTree(source));
  expect(readTree(back)).toEqual(readTree(source));
});
