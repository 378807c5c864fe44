/** `ftpx keygen` where the environment says little. */
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { BINARY, Scene } from "./binary.ts";

test("a key is named after the user of the system where no variable names one", async () => {
  const scene = await Scene.begin();
  const child = Bun.spawn([BINARY, "keygen", "nameless", "--no-passphrase"], {
    cwd: scene.folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: scene.folder },
    stderr: "ignore",
  });
  expect(await child.exited).toBe(0);
  const user = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();

  expect(await readFile(scene.path("nameless.pub"), "utf8")).toContain(` ${user}@`);
  await scene.end();
});
