/**
 * The machines that a release is made for: one table.
 *
 * The runtime of each is a package of the npm registry at the version of the `bun` that
 * package-lock.json names, and the lock has its digest too: nothing is pinned here again.
 */

export interface Target {
  /** As the file is called behind the version: `ftpx-0.1.0-linux-x64-musl`. */
  readonly name: string;
  /** The package of the runtime, below `@oven/`. */
  readonly runtime: string;
  /** What `bun build --target` calls it, behind `bun-`. */
  readonly bunTarget: string;
  readonly format: "ELF" | "Mach-O" | "PE";
  readonly machine: "x64" | "arm64";
  /** Which loader an ELF file asks for; a musl executable needs libstdc++ beside it. */
  readonly interpreter?: string;
  /**
   * Bytecode is what one build of JavaScriptCore keeps of a parsed program, and others may read
   * it wrongly: executables for Windows, and for musl, crashed with bytecode of glibc's
   * (oven-sh/bun 18416, 24144, 24178). So only the runtime that compiles gets it. The others
   * parse at their start, which costs a few hundredths of a second.
   */
  readonly hasBytecode: boolean;
}

/** Compiles all of them, so that one release has one compiler wherever it is made. */
export const COMPILER = "linux-x64";

// Left as it is by the formatter, because a table is read by column.
// oxfmt-ignore
export const TARGETS: readonly Target[] = [
  { name: "linux-x64",        runtime: "bun-linux-x64",          bunTarget: "linux-x64",        format: "ELF",    machine: "x64",   hasBytecode: true,  interpreter: "/lib64/ld-linux-x86-64.so.2" },
  { name: "linux-x64-musl",   runtime: "bun-linux-x64-musl",     bunTarget: "linux-x64-musl",   format: "ELF",    machine: "x64",   hasBytecode: false, interpreter: "/lib/ld-musl-x86_64.so.1" },
  { name: "linux-arm64",      runtime: "bun-linux-aarch64",      bunTarget: "linux-arm64",      format: "ELF",    machine: "arm64", hasBytecode: false, interpreter: "/lib/ld-linux-aarch64.so.1" },
  { name: "linux-arm64-musl", runtime: "bun-linux-aarch64-musl", bunTarget: "linux-arm64-musl", format: "ELF",    machine: "arm64", hasBytecode: false, interpreter: "/lib/ld-musl-aarch64.so.1" },
  { name: "macos-x64",        runtime: "bun-darwin-x64",         bunTarget: "darwin-x64",       format: "Mach-O", machine: "x64",   hasBytecode: false },
  { name: "macos-arm64",      runtime: "bun-darwin-aarch64",     bunTarget: "darwin-arm64",     format: "Mach-O", machine: "arm64", hasBytecode: false },
  { name: "windows-x64",      runtime: "bun-windows-x64",        bunTarget: "windows-x64",      format: "PE",     machine: "x64",   hasBytecode: false },
  { name: "windows-arm64",    runtime: "bun-windows-aarch64",    bunTarget: "windows-arm64",    format: "PE",     machine: "arm64", hasBytecode: false },
];

/** Less is not a runtime with a program in it, more is something that does not belong there. */
export const EXECUTABLE_MIB = { least: 80, most: 160 };

export function extensionOf(target: Target): string {
  return target.format === "PE" ? ".exe" : "";
}

export function fileNameOf(target: Target, version: string): string {
  return `ftpx-${version}-${target.name}${extensionOf(target)}`;
}

/** @throws Error when there is no such target. */
export function targetNamed(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (found !== undefined) return found;
  const names = TARGETS.map((target) => target.name).join(", ");
  throw new Error(`no target ${name}; there are ${names}`);
}
