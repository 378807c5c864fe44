import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { compileWords, ENTRIES } from "../../packaging/build.ts";
import { lockedAt, readLock, requireIntegrity } from "../../packaging/lock.ts";
import { COMPILER, fileNameOf, targetNamed, TARGETS } from "../../packaging/targets.ts";
import { BUILT_IN } from "../../src/cli/environment.ts";

const ROOT = join(import.meta.dir, "../..");

test("the runtime of every target is pinned by package-lock.json, at the version of Bun", async () => {
  const lock = await readLock(join(ROOT, "package-lock.json"));

  for (const { runtime } of TARGETS) {
    const { version, integrity } = lockedAt(lock, `node_modules/@oven/${runtime}`);
    expect(version).toBe(manifest.devDependencies.bun);
    expect(integrity).toStartWith("sha512-");
  }
  expect(() => lockedAt(lock, "node_modules/@oven/bun-plan9")).toThrow("package-lock.json has no");
});

test("an archive counts when it has the digest of the lock, and only then", () => {
  const archive = Buffer.from("archive");
  const digest = new Bun.CryptoHasher("sha512").update(archive).digest("base64");
  const pinned = { version: "1.0.0", integrity: `sha512-${digest}` };

  expect(() => requireIntegrity(archive, pinned)).not.toThrow();
  expect(() => requireIntegrity(Buffer.from("archivf"), pinned)).toThrow("is not sha512-");
});

test("bytecode is for the machine that compiles and for no other", () => {
  const names = TARGETS.filter(({ hasBytecode }) => hasBytecode).map(({ name }) => name);

  expect(names).toEqual([COMPILER]);
});

test("R22, R23: every executable is compiled with the flags that keep others from running in it", () => {
  for (const { hasBytecode, bunTarget } of TARGETS) {
    const foreign = { target: `bun-${bunTarget}`, runtimePath: "/bun" };
    for (const words of [
      compileWords({ outfile: "ftpx", hasBytecode }),
      compileWords({ outfile: "ftpx", hasBytecode, foreign }),
    ]) {
      expect(words).toContain("--no-compile-autoload-dotenv");
      expect(words).toContain("--no-compile-autoload-bunfig");
      expect(words).toContain(`--compile-exec-argv=${BUILT_IN.join(" ")}`);
      expect(words.includes("--bytecode")).toBe(hasBytecode);
    }
  }
});

test("every file that is started as a thread is compiled in", () => {
  const folder = join(ROOT, "src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(folder, path), "utf8"));
  const starts = texts.flatMap((text) => [...text.matchAll(/new Worker\(/g)]);

  expect(ENTRIES.length - 1).toBe(starts.length);
});

test("names tell version and machine", () => {
  expect(fileNameOf(targetNamed("linux-x64-musl"), "0.1.0")).toBe("ftpx-0.1.0-linux-x64-musl");
  expect(fileNameOf(targetNamed("windows-arm64"), "0.1.0")).toBe("ftpx-0.1.0-windows-arm64.exe");
  expect(() => targetNamed("amiga")).toThrow("linux-x64-musl");
});
