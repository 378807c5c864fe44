/** What an operator does all day on the compiled executable, and what of it went wrong once. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chown, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { Glob } from "bun";
import { BINARY, Scene } from "./binary.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

async function operate(...words: string[]) {
  return await scene.run([...words, "--data", scene.data]);
}

async function jsonOf(...words: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await operate(...words, "--json");
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("drain answers before a server ends that has nothing under way", async () => {
  await scene.addUser("ann", "pw");
  for (let round = 0; round < 3; round += 1) {
    const server = await scene.serve();
    const { status, stderr } = await operate("drain");

    expect(stderr).toStartWith("the server drains: 0 transfers under way");
    expect(stderr).toEndWith("the server has ended\n");
    expect(status).toBe(0);
    expect(await server.process.exited).toBe(0);
  }
});

test("drain answers where people are signed in and do nothing", async () => {
  await scene.addUser("ann", "pw");
  const server = await scene.serve();
  const env = { FTPX_PASSWORD: "pw" };
  const idle = Bun.spawn([BINARY, "connect", server.target("ann")], {
    env: { ...process.env, ...env, FTPX_HOME: scene.path("home") },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  await server.event("login");
  const events = await jsonOf("drain");

  expect(events.map(({ event }) => event)).toEqual(["draining", "ended"]);
  idle.kill("SIGKILL");
  await idle.exited;
});

const isRoot = process.getuid?.() === 0;
const OTHER = 54_321;

test.skipIf(!isRoot)("what root makes below storage belongs to whom storage belongs to", async () => {
  await scene.addUser("ann", "pw");
  const storage = scene.path("data", "storage");
  await chownAll(storage, OTHER);
  await chown(scene.path("data", "accounts.toml"), OTHER, OTHER);
  await scene.addUser("bob", "pw");
  await operate("users");

  for await (const name of new Glob("**").scan({ cwd: storage, dot: true, onlyFiles: false })) {
    expect([name, (await lstat(`${storage}/${name}`)).uid]).toEqual([name, OTHER]);
  }
  expect((await lstat(scene.path("data", "accounts.toml"))).uid).toBe(OTHER);
});

test.skipIf(!isRoot)("what root makes in a folder of another's is that user's from the start", async () => {
  await mkdir(scene.data);
  await chown(scene.data, OTHER, OTHER);
  await scene.addUser("ann", "pw");

  for (const name of ["accounts.toml", "storage", "storage/.ftpx", "storage/ann"]) {
    expect([name, (await lstat(scene.path("data", name))).uid]).toEqual([name, OTHER]);
  }
});

test.skipIf(!isRoot)("check finds a home that the server cannot enter, and --fix gives it back", async () => {
  await scene.addUser("ann", "pw");
  const storage = scene.path("data", "storage");
  await chownAll(storage, OTHER);
  await chown(`${storage}/ann`, 0, 0);
  const found = await operate("check");
  expect(found.stdout).toContain(`ann: ${storage}/ann: the server's user cannot use it`);
  expect(found.status).toBe(65);
  expect((await operate("check", "--fix")).status).toBe(0);

  expect((await lstat(`${storage}/ann`)).uid).toBe(OTHER);
  expect((await operate("check")).stdout).toBe("1 account checked: nothing wrong\n");
});

test("check finds and counts what was placed for somebody who never signed in", async () => {
  const server = await scene.serve();
  await scene.addUser("ann", "pw");
  await server.event("reload");
  await writeFile(scene.path("data", "storage", "ann", "hand"), "12345");
  const found = await operate("check");
  expect(found.stdout).toContain("ann: counted as used 0 bytes in 0 files, found 5 bytes in 1 file");
  expect(found.status).toBe(65);

  expect((await operate("check", "--fix")).status).toBe(0);
  expect((await operate("check")).stdout).toBe("1 account checked: nothing wrong\n");
  expect(await jsonOf("users", "ann")).toMatchObject([{ usedBytes: 5, usedFiles: 1 }]);
});

test("userdel --purge that cannot remove the files says what it did", async () => {
  await scene.addUser("ann", "pw");
  await rm(scene.path("data", "storage", "ann"), { recursive: true });
  await writeFile(scene.path("data", "storage", "ann"), "in the way");
  const { status, stderr } = await operate("userdel", "ann", "--purge");

  expect(stderr).toContain("account ann removed; its files were not, or not all of them");
  expect(stderr).toContain("storage/ann");
  expect(status).not.toBe(0);
});

async function chownAll(folder: string, uid: number): Promise<void> {
  await chown(folder, uid, uid);
  for await (const name of new Glob("**").scan({ cwd: folder, dot: true, onlyFiles: false })) {
    await chown(`${folder}/${name}`, uid, uid);
  }
}
