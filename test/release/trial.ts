/**
 * What an executable of a release is asked to do before anybody gets it: say its version, make an
 * account, serve, take a file, give it back, and stop. A machine is a command in front of it: an
 * emulator, or the loader of another C library.
 */
import { writeFile, chmod } from "node:fs/promises";
import { expect } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import { makeFile, Scene, sha256Of } from "../e2e/binary.ts";

/** More than a chunk of 8 MiB, so that there are chunk digests, and no whole number of them. */
const FILE_BYTES = 9 * 1024 * 1024 + 1;
const PASSWORD = { FTPX_PASSWORD: "pw" };

export async function tryOut(command: readonly string[]): Promise<void> {
  const scene = await Scene.begin();
  const binary = scene.path("ftpx");
  const words = command.map((word) => `'${word}'`).join(" ");
  await writeFile(binary, `#!/bin/sh\nexec ${words} "$@"\n`);
  await chmod(binary, 0o755);
  scene.binary = binary;
  try {
    expect(await scene.run(["--version"])).toEqual({
      status: 0,
      stdout: `ftpx ${manifest.version}\n`,
      stderr: "",
    });
    await scene.addUser("ann", "pw");
    const server = await scene.serve();
    const source = scene.path("source.bin");
    const sha256 = makeFile(source, FILE_BYTES);

    const put = await scene.run(["put", source, server.target("ann", "/there.bin")], {
      env: PASSWORD,
    });
    expect(put).toMatchObject({ status: 0 });
    const back = scene.path("back.bin");
    const get = await scene.run(["get", server.target("ann", "/there.bin"), back], {
      env: PASSWORD,
    });
    expect(get).toMatchObject({ status: 0 });
    expect(await sha256Of(back)).toBe(sha256);

    // The whole file is digested by a thread of its own, and the ledger is kept by another.
    const digest = await scene.run(["sha256", server.target("ann", "/there.bin")], {
      env: PASSWORD,
    });
    expect(digest.stdout).toStartWith(sha256);
    const checked = await scene.operate("check");
    expect(checked).toMatchObject({ status: 0 });
    expect(await server.stop()).toBe(0);
  } finally {
    await scene.end();
  }
}
