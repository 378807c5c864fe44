import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireInstalled } from "../../packaging/lock.ts";
import { bundledPlaces, noticesOf } from "../../packaging/notices.ts";

const TSLIB = { version: "2.8.1", integrity: "sha512-AAEC" };
const LOCK = new Map([["node_modules/tslib", TSLIB]]);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ftpx-lock-"));
  await mkdir(join(folder, "node_modules/tslib"), { recursive: true });
  const manifest = { name: "tslib", version: "2.8.1", license: "0BSD" };
  await writeFile(join(folder, "node_modules/tslib/package.json"), JSON.stringify(manifest));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** As npm writes down what it has unpacked. */
async function install(packages: Record<string, object>): Promise<void> {
  const path = join(folder, "node_modules/.package-lock.json");
  await writeFile(path, JSON.stringify({ packages }));
}

async function messageOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return failure instanceof Error ? failure.message : "";
}

test("packages that the lock pins are taken", async () => {
  await install({ "node_modules/tslib": TSLIB });

  expect(await messageOf(requireInstalled(folder, LOCK))).toBe("");
});

test.each([
  ["from another archive", { "node_modules/tslib": { ...TSLIB, integrity: "sha512-AAED" } }],
  ["of another version", { "node_modules/tslib": { ...TSLIB, version: "2.8.2" } }],
  ["that the lock does not know", { "node_modules/left-pad": TSLIB }],
])("a package %s ends a release", async (_case, packages) => {
  await install(packages);

  expect(await messageOf(requireInstalled(folder, LOCK))).toContain("package-lock.json");
});

test("what is in an executable is read from its source maps, nested packages too", async () => {
  const sources = [
    "src/main.ts",
    "node_modules/tslib/tslib.js",
    "../../elsewhere/node_modules/@clack/core/dist/index.mjs",
    "node_modules/tsyringe/node_modules/tslib/tslib.js",
  ];
  await writeFile(join(folder, "ftpx.map"), JSON.stringify({ sources }));

  expect(await bundledPlaces(folder)).toEqual([
    "node_modules/@clack/core",
    "node_modules/tslib",
    "node_modules/tsyringe/node_modules/tslib",
  ]);
});

test("a package without a licence text ends a release", async () => {
  const places = ["node_modules/tslib"];
  expect(await messageOf(noticesOf(folder, places, "own"))).toContain("has no licence text");
  await writeFile(join(folder, "node_modules/tslib/LICENSE.txt"), "the terms\r\n");

  const notices = await noticesOf(folder, places, "own");
  expect(notices).toContain("tslib 2.8.1 (0BSD)\n");
  expect(notices).toContain("\nthe terms\n");
  expect(notices).toContain("\nown\n");
});
