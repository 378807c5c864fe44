/** `ls` of a directory of many: in order, as it comes, over a line that breaks, into nothing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonLines } from "../support/jsonlines.ts";
import { linesOf, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

const COUNT = 20_000;
const ENV = { FTPX_PASSWORD: "pw" };

let scene: Scene;
let server: Server;
let names: string[];

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  const folder = join(scene.data, "storage/ann/many");
  mkdirSync(folder);
  names = Array.from({ length: COUNT }, (_, index) => `file ${(index * 7919) % COUNT}`);
  for (const name of names) writeFileSync(join(folder, name), "");
  names.sort();
  server = await scene.serve();
});

afterAll(() => scene.end());

test("D6: a large directory is listed once and in order, as text and as JSON", async () => {
  const plain = await scene.run(["ls", server.target("ann", "/many")], { env: ENV });
  const json = await scene.run(["ls", "--json", server.target("ann", "/many")], { env: ENV });
  const long = await scene.run(["ls", "-l", server.target("ann", "/many")], { env: ENV });

  expect(plain).toEqual({
    status: 0,
    stdout: names.map((name) => `${name}\n`).join(""),
    stderr: "",
  });
  const entries = jsonLines(json.stdout);
  expect(entries.map(({ name }) => name)).toEqual(names);
  expect(entries[7]).toMatchObject({ path: `/many/${names[7]}`, kind: "file", bytes: 0 });
  expect(long.stdout).toMatch(/^-  0  \d{4}-\d\d-\d\d \d\d:\d\d  file 0\n/);
});

test("a listing that a lost line cuts goes on behind the last name, and shows none twice", async () => {
  const line = scene.line(server.port);
  const words = ["ls", server.target("ann", "/many", line.port)];
  const child = scene.start(words, { env: ENV });
  const shown: string[] = [];
  for await (const name of linesOf(child.stdout)) {
    // What the pipe holds is behind it; the client itself still waits for pages.
    if (shown.length === 800) line.cut();
    shown.push(name);
  }

  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toContain("the connection was lost");
  expect(shown).toEqual(names);
});

test("whoever reads only the first line hears nothing more, and it is no failure", async () => {
  const child = scene.start(["ls", server.target("ann", "/many")], { env: ENV });
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();

  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toBe("");
});

test("several places: files first, then each directory under its name", async () => {
  writeFileSync(join(scene.data, "storage/ann/one"), "12345");
  mkdirSync(join(scene.data, "storage/ann/few"));
  writeFileSync(join(scene.data, "storage/ann/few/a"), "");
  const target = server.target("ann", "/few");
  const ran = await scene.run(["ls", target, "/one", "/none", "/few/a"], { env: ENV });

  expect(ran.stdout).toBe("/one\n/few/a\n\n/few:\na\n");
  expect(ran.stderr).toBe("ftpx: /none: no such file or directory\n");
  expect(ran.status).toBe(66);
});

test("P7: what md5 prints into a pipe is what md5sum -c reads; ls is never mistaken", async () => {
  const home = `${scene.data}/storage/ann/odd`;
  mkdirSync(home);
  const odd = ["a\nb", "a\\x0ab", "bad\xff", "esc\x1b[2J", "plain"];
  for (const name of odd) {
    writeFileSync(Buffer.concat([Buffer.from(`${home}/`), Buffer.from(name, "latin1")]), name);
  }
  const ran = scene.start(["md5", server.target("ann", "/odd/*")], { env: ENV });
  const sums = Buffer.from(await new Response(ran.stdout).arrayBuffer());
  expect(await ran.exited).toBe(0);
  const check = Bun.spawn(["md5sum", "-c", "--strict", "-"], {
    cwd: `${scene.data}/storage/ann`,
    stdin: new Blob([sums]),
    stdout: "pipe",
  });

  const said = await new Response(check.stdout).text();
  expect(said.match(/: OK$/gm)).toHaveLength(odd.length);
  expect(await check.exited).toBe(0);
  const listed = await scene.run(["ls", server.target("ann", "/odd")], { env: ENV });
  expect(listed.stdout.trimEnd().split("\n").toSorted()).toEqual(
    ["a\\\\x0ab", "a\\x0ab", "bad\\xff", "esc\\x1b[2J", "plain"].toSorted(),
  );
});
