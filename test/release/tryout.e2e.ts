/**
 * `npm run tryout`: runs the executables for Linux in dist/release, or in FTPX_RELEASE, and looks
 * at the others. By hand, after `npm run release`: emulated processors take minutes.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { faultsOf } from "../../packaging/inspection.ts";
import { fileNameOf, targetNamed, TARGETS } from "../../packaging/targets.ts";
import { prepareMachines } from "./machines.ts";
import { tryOut } from "./trial.ts";

const RELEASE = process.env["FTPX_RELEASE"] ?? join(import.meta.dir, "../../dist/release");
const NAMES = TARGETS.map(({ name }) => name);

let folder: string;
let machines: Awaited<ReturnType<typeof prepareMachines>>;

function pathOf(name: string): string {
  return join(RELEASE, fileNameOf(targetNamed(name), manifest.version));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ftpx-machines-"));
  machines = await prepareMachines(folder);
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(NAMES)("%s: format, machine, size, program and signature are right", async (name) => {
  expect(faultsOf(targetNamed(name), await readFile(pathOf(name)))).toEqual([]);
});

test.each(NAMES.filter((name) => name.startsWith("linux")))(
  "R24: the executable for %s serves, takes a file and gives it back",
  async (name) => {
    const command = machines[name];
    if (command === undefined) throw new Error(`no machine for ${name}`);
    await tryOut(command(pathOf(name)));
  },
);
