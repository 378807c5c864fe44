/**
 * A release for this kind of machine, made as `npm run release` makes it: twice, from two copies
 * of the sources in different folders. All machines: `npm run release && npm run tryout`.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import type { Bill } from "../../packaging/bill.ts";
import { faultsOf } from "../../packaging/inspection.ts";
import { targetNamed } from "../../packaging/targets.ts";
import { tryOut } from "../release/trial.ts";

const NAME = `ftpx-${manifest.version}-linux-x64`;
const PAPER = `ftpx-${manifest.version}`;
const PROGRAM = join(import.meta.dir, "../../packaging/release.ts");

let folder: string;

/** The compiler is that of Linux x64, wherever a release is made. */
const CAN_COMPILE = process.platform === "linux" && process.arch === "x64";

/** Runs a command to its end; answers its status and both outputs. */
async function outcome(words: readonly string[], cwd = folder) {
  const child = Bun.spawn([...words], { cwd, stdout: "pipe", stderr: "pipe" });
  const stdout = await new Response(child.stdout).text();
  return { status: await child.exited, text: stdout + (await new Response(child.stderr).text()) };
}

beforeAll(async () => {
  if (!CAN_COMPILE) return;
  folder = await mkdtemp(join(tmpdir(), "ftpx-release-e2e-"));
  await outcome(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
  const options = ["--only", "linux-x64", "--out", join(folder, "out"), "--sign", "key"];
  const { status, text } = await outcome([process.execPath, PROGRAM, ...options]);
  if (status !== 0) throw new Error(text);
  expect(text).toContain("two builds equal");
}, 240_000);

afterAll(async () => {
  if (CAN_COMPILE) await rm(folder, { recursive: true, force: true });
});

test.if(CAN_COMPILE)(
  "R24: a release is an executable, its bill, its licences, and signed digests of all",
  async () => {
    expect((await readdir(join(folder, "out"))).toSorted()).toEqual([
      "SHA256SUMS",
      "SHA256SUMS.sig",
      `${PAPER}-licenses.txt`,
      NAME,
      `${PAPER}.cdx.json`,
    ]);
    const check = await outcome(["sha256sum", "-c", "SHA256SUMS"], join(folder, "out"));
    expect(check.text.match(/: OK$/gm)).toHaveLength(3);
  },
);

test.if(CAN_COMPILE)(
  "the digests are signed as the README says one verifies them, and changed ones are not",
  async () => {
    const out = join(folder, "out");
    const key = await readFile(join(folder, "key.pub"), "utf8");
    await Bun.write(join(folder, "signers"), `ftpx ${key}`);
    const words = "ssh-keygen -Y verify -f ../signers -I ftpx -n ftpx-release -s SHA256SUMS.sig";

    expect(await outcome(["sh", "-c", `${words} < SHA256SUMS`], out)).toMatchObject({ status: 0 });
    await Bun.write(
      join(folder, "changed"),
      `${await readFile(join(out, "SHA256SUMS"), "utf8")}\n`,
    );
    expect((await outcome(["sh", "-c", `${words} < ../changed`], out)).status).not.toBe(0);
  },
);

test.if(CAN_COMPILE)(
  "the executable is what its name says, and does its work copied alone elsewhere",
  async () => {
    const path = join(folder, "out", NAME);

    expect(faultsOf(targetNamed("linux-x64"), await readFile(path))).toEqual([]);
    await tryOut([path]);
  },
);

test.if(CAN_COMPILE)(
  "the bill and the licences name every package that is in the executable",
  async () => {
    const out = join(folder, "out");
    const bill = JSON.parse(await readFile(join(out, `${PAPER}.cdx.json`), "utf8")) as Bill;
    const licences = await readFile(join(out, `${PAPER}-licenses.txt`), "utf8");
    const libraries = bill.components.filter(({ type }) => type === "library");

    expect(libraries.length).toBeGreaterThan(20);
    for (const { name, version } of libraries) expect(licences).toContain(`\n${name} ${version} (`);
    expect(bill.components.map(({ name }) => name)).toContain("@oven/bun-linux-x64");
  },
);
