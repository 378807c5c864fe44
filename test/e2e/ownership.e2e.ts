/** Root's commands on a data directory of a server that runs as an ordinary user. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chown, lstat, mkdir } from "node:fs/promises";
import { Glob } from "bun";
import { Scene } from "./binary.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

const isRoot = process.getuid?.() === 0;
const OTHER = 54_321;

test.skipIf(!isRoot)(
  "what root makes below storage belongs to whom storage belongs to",
  async () => {
    await scene.addUser("ann", "pw");
    const storage = scene.path("data", "storage");
    await chownAll(storage, OTHER);
    await chown(scene.path("data", "accounts.toml"), OTHER, OTHER);
    await scene.addUser("bob", "pw");
    await scene.operate("users");

    for await (const name of new Glob("**").scan({ cwd: storage, dot: true, onlyFiles: false })) {
      expect([name, (await lstat(`${storage}/${name}`)).uid]).toEqual([name, OTHER]);
    }
    expect((await lstat(scene.path("data", "accounts.toml"))).uid).toBe(OTHER);
  },
);

test.skipIf(!isRoot)(
  "what root makes in a folder of another's is that user's from the start",
  async () => {
    await mkdir(scene.data);
    await chown(scene.data, OTHER, OTHER);
    await scene.addUser("ann", "pw");

    for (const name of ["accounts.toml", "storage", "storage/.ftpx", "storage/ann"]) {
      expect([name, (await lstat(scene.path("data", name))).uid]).toEqual([name, OTHER]);
    }
  },
);

test.skipIf(!isRoot)(
  "check finds a home that the server cannot enter, and --fix gives it back",
  async () => {
    await scene.addUser("ann", "pw");
    const storage = scene.path("data", "storage");
    await chownAll(storage, OTHER);
    await chown(`${storage}/ann`, 0, 0);
    const found = await scene.operate("check");
    expect(found.stdout).toContain(`ann: ${storage}/ann: the server's user cannot use it`);
    expect(found.status).toBe(65);
    expect((await scene.operate("check", "--fix")).status).toBe(0);

    expect((await lstat(`${storage}/ann`)).uid).toBe(OTHER);
    expect((await scene.operate("check")).stdout).toBe("1 account checked: nothing wrong\n");
  },
);

async function chownAll(folder: string, uid: number): Promise<void> {
  await chown(folder, uid, uid);
  for await (const name of new Glob("**").scan({ cwd: folder, dot: true, onlyFiles: false })) {
    await chown(`${folder}/${name}`, uid, uid);
  }
}
