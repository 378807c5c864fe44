/** Patterns on both sides, through the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  for (const user of ["globs", "verbs"]) await scene.addUser(user, "pw");
  server = await scene.serve();
});

afterAll(() => scene.end());

const ftpx = (...words: string[]) => scene.run(words, { env: { FTPX_PASSWORD: "pw" } });
const home = (...names: string[]) => [scene.data, "storage", ...names].join("/");
const shell = (user: string, lines: string, cwd = scene.folder) =>
  scene.run(["connect", server.target(user)], { stdin: lines, cwd, env: { FTPX_PASSWORD: "pw" } });

test("patterns on the server: what matches, what is there as it is written, what is not there", async () => {
  fs.mkdirSync(home("globs", "d/s"), { recursive: true });
  for (const name of ["a1.txt", "a2.txt", "b.iso", "a*", ".a3.txt", "d/s/a1.txt", "x[1]"]) {
    fs.writeFileSync(home("globs", name), name);
  }
  const target = (path: string) => `ann@127.0.0.1:${server.port}${path}`.replace("ann@", "globs@");
  const listed = async (...paths: string[]) => {
    const { stdout, status, stderr } = await ftpx("ls", ...paths.map(target));
    return { names: stdout.split("\n").filter((line) => line !== ""), status, stderr };
  };
  await ftpx("ls", server.target("globs"));

  expect((await listed("/a?.txt")).names).toEqual(["/a1.txt", "/a2.txt"]);
  expect((await listed("/a*")).names).toEqual(["/a*"]);
  expect((await listed("/a[*]")).names).toEqual(["/a*"]);
  expect((await listed(String.raw`/a\*`)).names).toEqual(["/a*"]);
  expect((await listed("/x[1]")).names).toEqual(["/x[1]"]);
  expect((await listed("/{b,a1}.*")).names).toEqual(["/b.iso", "/a1.txt"]);
  expect((await listed("/**/a1.txt")).names).toEqual(["/a1.txt", "/d/s/a1.txt"]);
  expect(await listed("/z*", "/b.iso")).toEqual({
    names: ["/b.iso"],
    status: 66,
    stderr: "ftpx: /z*: no such file or directory\n",
  });
  const url = await ftpx("ls", `ftpx://globs@127.0.0.1:${server.port}/a%2A.txt`);
  expect([url.status, url.stdout]).toEqual([66, ""]);

  // What is not there yet is a name.
  fs.writeFileSync(scene.path("b.iso"), "1");
  expect((await ftpx("put", scene.path("b.iso"), target("/new[1].iso"))).status).toBe(0);
  expect(fs.existsSync(home("globs", "new[1].iso"))).toBe(true);

  const into = scene.path("globbed");
  fs.mkdirSync(into);
  const got = await ftpx("get", target("/a?.txt"), into);
  expect([got.status, fs.readdirSync(into).toSorted()]).toEqual([0, ["a1.txt", "a2.txt"]]);
});

test("patterns in the shell hold on both sides, unless they are quoted", async () => {
  const here = scene.path("here");
  fs.mkdirSync(here);
  for (const name of ["1.txt", "2.txt", "*"]) fs.writeFileSync(join(here, name), name);

  const ran = await shell(
    "verbs",
    [
      "mkdir d e",
      "mput *.txt",
      "put '*' d/",
      "cp *.txt d",
      "mv d/[1]* e*",
      "md5 d/?.txt",
      "rm d/'*' 2*",
      "ls d e .",
      "lls ?.txt",
      "rm nothing*",
    ].join("\n"),
    here,
  );

  expect(fs.readdirSync(home("verbs")).toSorted()).toEqual(["1.txt", "d", "e"]);
  expect(fs.readdirSync(home("verbs", "d"))).toEqual(["2.txt"]);
  expect(fs.readdirSync(home("verbs", "e"))).toEqual(["1.txt"]);
  expect(ran.stdout).toContain("  d/2.txt\n");
  expect(ran.stdout).toEndWith("1.txt\n2.txt\n");
  expect(ran.stderr).toContain("ftpx: nothing*: no such file or directory");
  expect(ran.status).toBe(66);
});
