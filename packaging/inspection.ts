/**
 * What has to be true of an executable of a release before anybody gets it, whether or not
 * this machine can run it: the machine that it is for, the program in it, its size, and a
 * signature that holds, or none.
 */
import { ENTRIES } from "./build.ts";
import { readExecutable } from "./formats.ts";
import type { Executable } from "./formats.ts";
import { isSealed } from "./seal.ts";
import { EXECUTABLE_MIB } from "./targets.ts";
import type { Target } from "./targets.ts";

/** Bun writes it behind the program, and looks for it when it starts. */
const TRAILER = Buffer.from("\n---- Bun! ----\n");

/** Answers one sentence for each thing that is wrong. */
export function faultsOf(target: Target, file: Uint8Array): string[] {
  const found = readExecutable(file);
  const mib = file.byteLength / 1024 / 1024;
  return [
    ...differences("format", target.format, found.format),
    ...differences("machine", target.machine, found.machine),
    ...differences("interpreter", target.interpreter, found.interpreter),
    ...(mib >= EXECUTABLE_MIB.least && mib <= EXECUTABLE_MIB.most
      ? []
      : [`${mib.toFixed(1)} MiB are not between ${Object.values(EXECUTABLE_MIB).join(" and ")}`]),
    ...programFaults(found.program),
    ...signatureFaults(found, file),
  ];
}

function differences(what: string, expected?: string, found?: string): string[] {
  return expected === found ? [] : [`${what} is ${found}, not ${expected}`];
}

function programFaults(section: Uint8Array): string[] {
  const program = Buffer.from(section.buffer, section.byteOffset, section.byteLength);
  const [, ...threads] = ENTRIES.map((entry) => entry.replace(/^src\//, "").replace(/ts$/, "js"));
  const missing = ["root/ftpx", ...threads].filter((name) => !program.includes(name));
  return [
    ...missing.map((name) => `${name} is not in it`),
    ...(program.lastIndexOf(TRAILER) > 0 ? [] : ["the end of the program is not in it"]),
  ];
}

function signatureFaults({ format, signature }: Executable, file: Uint8Array): string[] {
  if (format === "Mach-O" && !isSealed(file)) return ["its ad-hoc signature does not hold"];
  // The makers of Bun have signed theirs, and that no longer holds with a program in it.
  if (format === "PE" && signature !== undefined) return ["it has a signature of somebody else"];
  return [];
}
