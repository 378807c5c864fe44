/**
 * The Dockerfile without an engine: its instructions are read, what they copy is there, and its
 * steps are taken by hand in a root directory of their own, as its user.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { copyFile, lstat, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PORT_DEFAULT } from "../../src/client/target.ts";
import { BINARY, Scene, Server } from "./binary.ts";

const FOLDER = join(import.meta.dir, "../../packaging/docker");
const LINES = (await readFile(join(FOLDER, "Dockerfile"), "utf8")).trim().split("\n");

const isRoot = process.getuid?.() === 0;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

/** The words behind an instruction that stands there once. */
function said(instruction: string): string {
  const found = LINES.filter((line) => line.startsWith(`${instruction} `));
  expect([instruction, found.length]).toEqual([instruction, 1]);
  return found[0]?.slice(instruction.length + 1) ?? "";
}

test("the Dockerfile has less than 15 lines, an ordinary user, a volume, the port, a check", () => {
  expect(LINES.length).toBeLessThan(15);
  const known =
    /^(?:#|(?:FROM|RUN|COPY|ENV|USER|WORKDIR|VOLUME|EXPOSE|HEALTHCHECK|ENTRYPOINT|CMD) )/;
  expect(LINES.filter((line) => !known.test(line))).toEqual([]);
  expect(said("FROM")).toMatch(/^debian:\d+-slim$/);
  expect(said("USER")).toBe("ftpx");
  expect(said("ENV")).toBe(`FTPX_DATA=${said("VOLUME")}`);
  expect(said("EXPOSE")).toBe(String(PORT_DEFAULT));
  expect(JSON.parse(said("ENTRYPOINT"))).toEqual(["ftpx"]);
  expect(JSON.parse(said("CMD"))).toEqual(["serve"]);
});

test("what it copies is what the build makes, and nothing else is sent to the engine", async () => {
  const [source = "", target] = said("COPY").replace("--chmod=755 ", "").split(" ");
  expect(target).toBe("/usr/local/bin/ftpx");
  expect((await lstat(join(FOLDER, "../..", source))).isFile()).toBe(true);
  const ignored = await readFile(join(FOLDER, "Dockerfile.dockerignore"), "utf8");
  expect(ignored).toBe(`*\n!${source}\n`);
});

test.skipIf(!isRoot)(
  "in a root directory of its own the server runs, and is found healthy",
  async () => {
    const root = scene.path("root");
    // What debian:13-slim has of what the executable needs.
    const linked = Bun.spawnSync(["ldd", BINARY]).stdout.toString();
    const files = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
    expect(files.length).toBeGreaterThan(2);
    for (const path of files) {
      await mkdir(join(root, dirname(path)), { recursive: true });
      await copyFile(path, join(root, path));
    }
    await mkdir(join(root, "usr/local/bin"), { recursive: true });
    await copyFile(BINARY, join(root, "usr/local/bin/ftpx"));
    Bun.spawnSync(["install", "-d", "-o", "999", "-g", "999", "-m", "700", join(root, "data")]);
    await mkdir(join(root, "proc"));
    const mount = 'mount -t proc proc "$1/proc" && exec chroot --userspec=999:999 "$@"';
    const words = ["unshare", "--mount", "sh", "-c", mount, "sh", root, "/usr/local/bin/ftpx"];
    const env = { PATH: process.env["PATH"] ?? "", FTPX_DATA: "/data" };
    const serve = [...words, "serve", "--json", "--listen", "127.0.0.1:0"];
    const child = Bun.spawn(serve, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    try {
      await Server.open(child);
      const check = JSON.parse(said("HEALTHCHECK").replace(/^.*CMD /, "")) as string[];
      const healthy = Bun.spawnSync([...words, ...check.slice(1)], { env });
      expect([healthy.stderr.toString(), healthy.exitCode]).toEqual(["", 0]);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
      expect(Bun.spawnSync([...words, ...check.slice(1)], { env }).exitCode).not.toBe(0);
      expect((await lstat(join(root, "data/storage"))).uid).toBe(999);
    } finally {
      child.kill("SIGKILL");
    }
  },
);
