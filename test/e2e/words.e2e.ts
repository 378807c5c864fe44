/** What a person reads who got a word wrong, through the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { Scene } from "./binary.ts";
import type { Server, ServerLine } from "./binary.ts";
import { writeAt } from "./ground.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  const home = join(scene.data, "storage/ann");
  fs.mkdirSync(join(home, "dir/below"), { recursive: true });
  fs.mkdirSync(scene.path("here"));
  writeAt(home, "file", "theirs");
  writeAt(scene.folder, "a.bin", "mine");
  fs.symlinkSync("loop", scene.path("loop"));
});

afterAll(() => scene.end());

const ENV = { FTPX_PASSWORD: "pw" };
const ftpx = (...words: string[]) => scene.run(words, { env: ENV });
const isOf = (path: string) => (event: ServerLine) => event["path"] === path;
const there = (path: string) => server.target("ann", path);

test("a directory without -r is told with what takes it", async () => {
  for (const [words, path] of [
    [["get", there("/dir")], "/dir"],
    [["get", "--dry-run", there("/dir")], "/dir"],
    [["get", there("/")], "/"],
    [["put", "here", there("/")], "here"],
    [["rm", there("/dir")], "/dir"],
  ] as const) {
    const ran = await ftpx(...words);
    const hint = "hint: -r takes a directory with all it holds\n";
    expect([ran.status, ran.stderr]).toEqual([73, `ftpx: ${path}: is a directory\n${hint}`]);
  }
});

test("what goes into a directory that is not there is told how to make it", async () => {
  const deep = await ftpx("mkdir", there("/no/such"));
  expect([deep.status, deep.stderr]).toEqual([
    66,
    "ftpx: /no/such: no such file or directory\nhint: -p makes those above too\n",
  ]);
  for (const path of ["/no/", "/no/such"]) {
    const put = await ftpx("put", "a.bin", there(path));
    expect([put.status, put.stderr]).toEqual([
      66,
      expect.stringMatching(/^ftpx: \/no.*: no such file .*\nhint: .*mkdir -p makes it\n$/),
    ]);
  }
});

test("every failure names what it is about, and places here that cannot be have kinds of their own", async () => {
  fs.writeFileSync(scene.path("here/x"), "1");
  for (const [words, status, text] of [
    [["put", "a.bin", there("/file/x")], 66, "ftpx: /file: is not a directory"],
    [["put", "", there("/")], 64, "ftpx: an empty word names no file"],
    [["get", there("/file"), ""], 64, "ftpx: an empty word names no file"],
    [["get", there("/file"), "a.bin/x"], 66, "ftpx: a.bin/x: cannot be reached on this machine"],
    [["put", "a.bin/x", there("/")], 66, "ftpx: a.bin/x: cannot be reached on this machine"],
    [["put", "loop", there("/")], 66, "ftpx: loop: cannot be reached on this machine"],
    [["get", there("/file"), `here/${"n".repeat(300)}`], 73, "name or path is too long"],
    [["get", there("/file"), "/proc/none"], 66, "ftpx: /proc/none"],
  ] as const) {
    const ran = await ftpx(...words);
    expect([words.join(" "), ran.status, ran.stderr]).toEqual([
      words.join(" "),
      status,
      expect.stringContaining(text),
    ]);
  }
});

test("a place for the client's own files that cannot be one is a wrong configuration", async () => {
  const env = { ...ENV, FTPX_HOME: "/dev/null/x" };
  const ran = await scene.run(["ls", there("/")], { env });

  expect([ran.status, ran.stderr]).toEqual([78, expect.stringContaining("hint: FTPX_HOME says")]);
});

test("one transfer that is interrupted names its file", async () => {
  writeAt(scene.folder, "slow", "x".repeat(4_000_000));
  const child = scene.start(["put", "--json", "--limit", "500k", "slow", there("/")], { env: ENV });
  await child.stdout.getReader().read();
  child.kill("SIGINT");

  expect(await new Response(child.stderr).text()).toStartWith("ftpx: /slow: interrupted\nhint: ");
  expect(await child.exited).toBe(130);
});

test("what is no bookmark is told so", async () => {
  for (const words of [
    ["put", "a.bin", "wrk:"],
    ["ls", "wrk:dir"],
    ["ls", "wrk"],
    ["sync", "here", "wrk"],
  ]) {
    const ran = await ftpx(...words);
    expect([ran.status, ran.stderr]).toEqual([64, expect.stringContaining('no bookmark "wrk"')]);
  }
});

test("a bookmark that there is not cannot be removed, and is not found", async () => {
  const { status, stderr } = await ftpx("bookmark", "rm", "wrk");
  expect([status, stderr]).toEqual([66, expect.stringContaining('no bookmark "wrk"\nhint: ')]);
  expect((await ftpx("bookmark", "rm", "../wrk")).status).toBe(64);
});

test("numbers and words are refused with what would be right", async () => {
  const retries = await ftpx("ls", "--retries", "-1", there("/"));
  expect([retries.status, retries.stderr]).toEqual([
    64,
    expect.stringContaining("is not a whole number from 0 on"),
  ]);
  const stdin = "put a.bin a.bin file\nput a.bin a.bin none\n";
  const shell = await scene.run(["connect", there("/")], { env: ENV, stdin });
  expect(shell.stderr.match(/hint: .*mput takes files alone/g)).toHaveLength(2);
});

test("what arrived before the line was cut counts as sent", async () => {
  const [one, two] = ["one", "two"].map((name) => scene.path(name));
  for (const path of [one, two]) fs.writeFileSync(path ?? "", "x".repeat(40_000));
  const line = scene.line(server.port);
  line.deafAfterBytes = 30_000;
  const target = server.target("ann", "/", line.port);
  const child = scene.start(["put", "--json", one ?? "", two ?? "", target], { env: ENV });
  await server.event("transfer", isOf("/one"));
  await server.event("transfer", isOf("/two"));
  line.deafAfterBytes = Number.POSITIVE_INFINITY;
  line.cut();

  const last = (await new Response(child.stdout).text()).trim().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ event: "summary", files: 2, bytes: 80_000 });
});
