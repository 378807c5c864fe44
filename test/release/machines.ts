/**
 * How executables for other machines run on this one: an emulator for another processor, and the
 * loader of another C library, beside each other in a folder and not installed.
 *
 * qemu and glibc for arm64 are packages of this Debian. musl has to be as new as that of the
 * runtime's makers, so it is Debian 13's. The C++ library for musl, which Debian has not, is
 * taken from a Python wheel that brings one along. Nothing of it becomes part of a release.
 */
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ran } from "../../packaging/commands.ts";

/** Any wheel with C++ in it would do; this one is small. */
const WHEEL = "greenlet==3.5.6";
const DEBIAN = "trixie";

const MUSL = {
  x64: { debian: "amd64", wheel: "x86_64" },
  arm64: { debian: "arm64", wheel: "aarch64" },
} as const;

/** Answers what stands before an executable on the command line, for each target of Linux. */
export async function prepareMachines(
  folder: string,
): Promise<Record<string, (file: string) => string[]>> {
  await mkdir(folder, { recursive: true });
  const emulator = join(folder, "system/usr/bin/qemu-aarch64-static");
  const [glibc, muslX64, muslArm64] = [
    await prepareArm64(folder),
    await prepareMusl(folder, "x64"),
    await prepareMusl(folder, "arm64"),
  ];
  const loader = join(muslX64, "lib/ld-musl-x86_64.so.1");
  const path = `LD_LIBRARY_PATH=${join(muslArm64, "lib")}`;
  return {
    "linux-x64": (file) => [file],
    "linux-x64-musl": (file) => [loader, "--library-path", join(muslX64, "lib"), file],
    "linux-arm64": (file) => [emulator, "-L", glibc, file],
    "linux-arm64-musl": (file) => [emulator, "-L", muslArm64, "-E", path, file],
  };
}

async function prepareArm64(folder: string): Promise<string> {
  const debs = join(folder, "debs");
  await mkdir(debs, { recursive: true });
  const names = ["qemu-user-static", "libc6-arm64-cross", "libgcc-s1-arm64-cross"];
  await ran(["apt-get", "download", "-qq", ...names], { cwd: debs });
  await unpackAll(debs, join(folder, "system"));
  return join(folder, "system/usr/aarch64-linux-gnu");
}

async function unpackAll(debs: string, to: string): Promise<void> {
  for (const name of await readdir(debs)) await ran(["dpkg", "-x", name, to], { cwd: debs });
}

/** A folder with `lib/ld-musl-….so.1` and the C++ library beside it. */
async function prepareMusl(folder: string, machine: keyof typeof MUSL): Promise<string> {
  const { debian, wheel } = MUSL[machine];
  const root = join(folder, `musl-${machine}`);
  const debs = join(root, "debs");
  const lib = join(root, "lib");
  for (const made of [debs, lib]) await mkdir(made, { recursive: true });
  const config = await foreignDebian(root);
  const apt = ["env", `APT_CONFIG=${config}`, "apt-get", "-qq"] as const;
  await ran([...apt, "update"], { cwd: debs });
  await ran([...apt, "download", `musl:${debian}`], { cwd: debs });
  await unpackAll(debs, join(root, "system"));
  const loader = `ld-musl-${wheel}.so.1`;
  await copyFile(join(root, "system/usr/lib", loader), join(lib, loader));
  await ran(["chmod", "755", loader], { cwd: lib });

  const platform = ["--platform", `musllinux_1_2_${wheel}`, "--python-version", "3.12"];
  const options = ["-q", "--no-deps", "--only-binary=:all:", ...platform, "-d", root];
  await ran(["pip", "download", ...options, WHEEL], { cwd: root });
  const [archive = ""] = (await readdir(root)).filter((name) => name.endsWith(".whl"));
  await ran(["unzip", "-qqoj", archive, "greenlet.libs/*", "-d", lib], { cwd: root });
  const [library = ""] = (await readdir(lib)).filter((name) => name.startsWith("libstdc++-"));
  await symlink(library, join(lib, "libstdc++.so.6"));
  return root;
}

/** Settings for apt that ask the mirror of this machine for another Debian, and touch nothing. */
async function foreignDebian(root: string): Promise<string> {
  for (const made of ["state/lists/partial", "cache/archives/partial", "sources"]) {
    await mkdir(join(root, "apt", made), { recursive: true });
  }
  const own = await readFile("/etc/apt/sources.list.d/debian.sources", "utf8");
  const [first = ""] = own.split(/\n\s*\n/);
  const sources = first.replace(/^Suites:.*$/m, `Suites: ${DEBIAN}`);
  await writeFile(join(root, "apt/sources/debian.sources"), `${sources}\n`);
  await writeFile(join(root, "apt/state/status"), "");
  const settings = [
    `Dir::State "${join(root, "apt/state")}";`,
    `Dir::State::status "${join(root, "apt/state/status")}";`,
    `Dir::Cache "${join(root, "apt/cache")}";`,
    `Dir::Etc::sourcelist "/dev/null";`,
    `Dir::Etc::sourceparts "${join(root, "apt/sources")}";`,
    `APT::Architectures { "amd64"; "arm64"; };`,
    `APT::Sandbox::User "root";`,
    `Acquire::Languages "none";`,
  ];
  const path = join(root, "apt/apt.conf");
  await writeFile(path, `${settings.join("\n")}\n`);
  return path;
}
