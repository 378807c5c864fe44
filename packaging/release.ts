/**
 * `npm run release [-- --only TARGET… --out DIR --sign KEY]`: executables for all machines,
 * their digests, licences and bill of materials, in dist/release.
 *
 * Everything is made twice, from two copies of the sources in folders of different depth, and
 * what is not the same to the byte is no release. Nothing comes from elsewhere than the npm
 * registry, and nothing of that which package-lock.json does not pin.
 */
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { billOfNpm, completeBill } from "./bill.ts";
import type { Artifact, Origin } from "./bill.ts";
import { compileWords } from "./build.ts";
import { ran } from "./commands.ts";
import { faultsOf } from "./inspection.ts";
import { readLock } from "./lock.ts";
import type { Lock } from "./lock.ts";
import { bundledPlaces, noticesOf } from "./notices.ts";
import { fetchRuntime } from "./runtimes.ts";
import { sealed } from "./seal.ts";
import { stage, STAGED } from "./stage.ts";
import { COMPILER, extensionOf, fileNameOf, targetNamed, TARGETS } from "./targets.ts";
import type { Target } from "./targets.ts";

const ROOT = join(import.meta.dir, "..");
const VERSION = manifest.version;
const SUMS = "SHA256SUMS";
/** What a signature is for (ssh-keygen(1)): one for releases serves for nothing else. */
const SIGNATURE_NAMESPACE = "ftpx-release";

interface Workshop {
  readonly lock: Lock;
  readonly scratch: string;
  /** The Bun that compiles. */
  readonly compiler: string;
  /** Two copies of the sources. */
  readonly copies: readonly [string, string];
}

async function openWorkshop(scratch: string): Promise<Workshop> {
  const lock = await readLock(join(ROOT, "package-lock.json"));
  const copies = [join(scratch, "one"), join(scratch, "another/folder/of/them")] as const;
  const [compiler] = await Promise.all([
    fetchRuntime(targetNamed(COMPILER), lock, scratch),
    stage(ROOT, copies[0], lock),
  ]);
  await cp(copies[0], copies[1], { recursive: true });
  return { lock, scratch, compiler, copies };
}

/** Compiles for one machine, twice. @throws Error when it is not fit for a release */
async function make(shop: Workshop, target: Target): Promise<Uint8Array> {
  const isOwn = target.name === COMPILER;
  const runtimePath = isOwn ? shop.compiler : await fetchRuntime(target, shop.lock, shop.scratch);
  const [first, second] = [
    await compile(shop, shop.copies[0], target, runtimePath),
    await compile(shop, shop.copies[1], target, runtimePath),
  ];
  if (!isOwn) await rm(join(shop.scratch, target.runtime), { recursive: true });
  requireSame(target.name, first, second);
  const faults = faultsOf(target, first);
  if (faults.length > 0) throw new Error(`${target.name}: ${faults.join("; ")}`);
  return first;
}

async function compile(shop: Workshop, copy: string, target: Target, runtimePath: string) {
  const { hasBytecode } = target;
  const foreign = { target: `bun-${target.bunTarget}`, runtimePath };
  const words = compileWords({ outfile: "dist/ftpx", hasBytecode, foreign });
  await ran([shop.compiler, ...words], { cwd: copy });
  const path = join(copy, `dist/ftpx${extensionOf(target)}`);
  const file = await readFile(path);
  await rm(path);
  return target.format === "Mach-O" ? sealed(file, "ftpx") : file;
}

function requireSame(what: string, first: Uint8Array, second: Uint8Array): void {
  if (Buffer.compare(first, second) === 0) return;
  throw new Error(`${what}: two builds differ: ${sha256Of(first)} and ${sha256Of(second)}`);
}

function sha256Of(content: Uint8Array | string): string {
  return new Bun.CryptoHasher("sha256").update(content).digest("hex");
}

/** The commit that the sources are, when they are one. */
async function originOf(): Promise<Origin> {
  const epoch = process.env["SOURCE_DATE_EPOCH"];
  try {
    const changes = await ran(["git", "status", "--porcelain", "--", ...STAGED], { cwd: ROOT });
    const head = await ran(["git", "log", "-1", "--format=%H %ct"], { cwd: ROOT });
    const [commit = "", seconds = ""] = head.trim().split(" ");
    return { timestamp: timestampOf(epoch ?? seconds), ...(changes === "" && { commit }) };
  } catch {
    // Sources without a repository: nobody can say which commit they are.
    return epoch === undefined ? {} : { timestamp: timestampOf(epoch) };
  }
}

function timestampOf(seconds: string): string {
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}

/** Bill and licences, as text, from one copy of the sources. */
async function papersOf(shop: Workshop, copy: string, artifacts: readonly Artifact[], of: Origin) {
  const places = await bundledPlaces(join(copy, "dist"));
  const npm = await billOfNpm(copy);
  const parts = JSON.parse(
    await ran([shop.compiler, "--print", "JSON.stringify(process.versions)"], { cwd: copy }),
  ) as Record<string, string>;
  const bill = completeBill(npm, artifacts, shop.lock, of, parts);
  const listed = new Set(bill.components.map((component) => component["bom-ref"]));
  for (const place of places) {
    const name = place.replace(/^.*node_modules\//, "");
    if (!listed.has(`${name}@${shop.lock.get(place)?.version}`)) {
      throw new Error(`${place} is in the executables and not in the bill of materials`);
    }
  }
  const own = await readFile(join(ROOT, "LICENSE"), "utf8");
  return {
    [`ftpx-${VERSION}.cdx.json`]: `${JSON.stringify(bill, undefined, 2)}\n`,
    [`ftpx-${VERSION}-licenses.txt`]: await noticesOf(copy, places, own),
  };
}

async function release(out: string, targets: readonly Target[], scratch: string) {
  const shop = await openWorkshop(scratch);
  const origin = await originOf();
  await mkdir(out, { recursive: true });
  for (const name of await readdir(out)) {
    if (name.startsWith("ftpx-") || name.startsWith(SUMS)) await rm(join(out, name));
  }

  const artifacts: Artifact[] = [];
  for (const target of targets) {
    const began = performance.now();
    const file = await make(shop, target);
    const fileName = fileNameOf(target, VERSION);
    await writeFile(join(out, fileName), file);
    await chmod(join(out, fileName), 0o755);
    artifacts.push({ target, fileName, sha256: sha256Of(file) });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const mib = (file.byteLength / 1024 / 1024).toFixed(1);
    console.log(`${fileName.padEnd(30)} ${mib.padStart(6)} MiB ${seconds.padStart(5)} s, twice`);
  }

  const sums = artifacts.map(({ fileName, sha256 }) => `${sha256}  ${fileName}`);
  const papers = await papersOf(shop, shop.copies[0], artifacts, origin);
  const again = await papersOf(shop, shop.copies[1], artifacts, origin);
  for (const [name, text] of Object.entries(papers)) {
    requireSame(name, Buffer.from(text), Buffer.from(again[name] ?? ""));
    await writeFile(join(out, name), text);
    sums.push(`${sha256Of(text)}  ${name}`);
  }
  await writeFile(join(out, SUMS), `${sums.join("\n")}\n`);
  return origin;
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    out: { type: "string", default: join(ROOT, "dist/release") },
    sign: { type: "string" },
  },
});
const targets = values.only?.map(targetNamed) ?? TARGETS;
const out = resolve(values.out);
const scratch = await mkdtemp(join(tmpdir(), "ftpx-release-"));
try {
  const { commit } = await release(out, targets, scratch);
  if (values.sign !== undefined) {
    const options = ["-q", "-n", SIGNATURE_NAMESPACE, "-f", resolve(values.sign)];
    await ran(["ssh-keygen", "-Y", "sign", ...options, join(out, SUMS)], { cwd: ROOT });
  }
  const origin = commit === undefined ? "a tree that is no commit" : `commit ${commit}`;
  console.log(`${out}: ftpx ${VERSION} from ${origin}, two builds equal`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
