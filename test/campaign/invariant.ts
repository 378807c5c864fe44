/**
 * INV, looked at from outside: what `ftpx check` finds, files that a client was told are
 * stored, a canary beside the data directory, descriptors, and whether the server answers.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Scene, Server } from "../e2e/binary.ts";
import { descriptorCountOf } from "../support/process.ts";

/** A file that is to be there: its user, its path in the home, the SHA-256 of its bytes. */
export interface Told {
  readonly user: string;
  readonly path: string;
  /** Plain SHA-256 of the whole file, in hex. */
  readonly sha256: string;
}

/**
 * What is wrong with the data directory, a line each; empty when INV holds. The server may
 * run or not; after a crash it has to have been started, because only then things are mended.
 *
 * @param told must be there with exactly this content
 */
export async function violations(scene: Scene, told: readonly Told[] = []): Promise<string[]> {
  const { status, stdout, stderr } = await scene.run(["check", "--json", "--data", scene.data]);
  const found = stdout
    .split("\n")
    .filter((line) => line.includes('"event":"finding"'))
    .map((line) => `check: ${line}`);
  if (status !== 0 && found.length === 0) found.push(`check: status ${status}: ${stderr}`);
  if (!stdout.includes('"event":"checked"')) found.push(`check did not end: ${stdout} ${stderr}`);
  for (const { user, path, sha256 } of told) {
    const bytes = await readFile(join(scene.data, "storage", user, path)).catch(() => undefined);
    if (bytes === undefined) found.push(`lost: ${user}${path}`);
    else if (sha256Hex(bytes) !== sha256) found.push(`other content: ${user}${path}`);
  }
  return found;
}

export function sha256Hex(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** Some files beside the data directory; answers what says later whether they are as they were. */
export async function plantCanary(scene: Scene): Promise<() => Promise<boolean>> {
  const file = scene.path("canary");
  const content = `untouched ${crypto.randomUUID()}`;
  await writeFile(file, content);
  const names = await readdir(scene.folder);
  return async () => {
    const now = await readdir(scene.folder);
    const isSame = (await readFile(file, "utf8").catch(() => "")) === content;
    return isSame && names.every((name) => now.includes(name));
  };
}

/** Open descriptors of the server. */
export function descriptorsOf(server: Server): number {
  return descriptorCountOf(server.process.pid);
}

/** Sign-in, ls, put and get of a small file. @returns what went wrong */
export async function whatFails(
  scene: Scene,
  server: Server,
  user: string,
  password: string,
): Promise<string[]> {
  const env = { env: { FTPX_PASSWORD: password } };
  const probe = scene.path("probe");
  const back = scene.path("probe.back");
  await writeFile(probe, `probe ${performance.now()}`);
  const target = server.target(user, "/.probe");
  const steps = [
    ["put", probe, target],
    ["ls", server.target(user)],
    ["get", target, back],
    ["rm", target],
  ];
  const failed: string[] = [];
  for (const words of steps) {
    const { status, stderr } = await scene.run(words, env);
    if (status !== 0) failed.push(`${words[0]}: status ${status}: ${stderr}`);
  }
  const [sent, got] = await Promise.all([readFile(probe), readFile(back).catch(() => undefined)]);
  if (got === undefined || !sent.equals(got)) failed.push("get: not what was put");
  return failed;
}
