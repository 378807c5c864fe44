/**
 * What may take this executable over before its first line runs: the runtime in it obeys some
 * variables. The build closes those that load code or open a debugger (BUILT_IN); what else
 * can be seen is refused here, by every command when the runtime was given options, and by
 * the server when any of the variables is set. BUN_BE_BUN=1 cannot be seen: ftpx does not run
 * then. A unit that starts the server unsets them all (systemd.ts).
 */
import { FtpxError } from "../base/errors.ts";

/**
 * What the build has built into the executable (packaging/build.ts): no text
 * becomes code, nothing is loaded from the disk, nothing native is loaded or compiled.
 */
export const BUILT_IN = [
  "--disallow-code-generation-from-strings=strict",
  "--no-addons",
  "--no-ffi-cc",
] as const;

/**
 * Of the runtime (Bun 1.4.5): options, another program in the same file, the debugger, what
 * the engine does, files that it writes.
 */
const TAKING_OVER = /^BUN_(?:OPTIONS|BE_BUN|INSPECT(?:_\w+)?|JSC_\w+|BYTECODE_\w+)$/;

/** The same by name, for what unsets variables and knows no patterns. */
export const TAKING_OVER_NAMES = [
  "BUN_OPTIONS",
  "BUN_BE_BUN",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_NOTIFY",
  "BUN_INSPECT_PRELOAD",
  "BUN_BYTECODE_ORDER_OUT",
  "BUN_BYTECODE_ORDER_NAMES_OUT",
  "BUN_BYTECODE_DIGEST_OUT",
] as const;

/**
 * That the runtime runs as it was built: a profile of its memory has the passwords in it.
 *
 * @param given what the runtime was told
 * @throws FtpxError FOREIGN_RUNTIME
 */
export function demandOwnRuntime(
  given: readonly string[] = process.execArgv,
  isBuilt = Bun.isStandaloneExecutable,
): void {
  if (!isBuilt) return;
  const isSame = given.length === BUILT_IN.length && BUILT_IN.every((word) => given.includes(word));
  if (!isSame) refuse("BUN_OPTIONS");
}

/** @throws FtpxError FOREIGN_RUNTIME */
export function demandCleanEnvironment(
  variables: Readonly<Record<string, string | undefined>> = process.env,
): void {
  const found = Object.keys(variables).find((name) => TAKING_OVER.test(name));
  if (found !== undefined) refuse(found);
}

function refuse(variable: string): never {
  throw new FtpxError("FOREIGN_RUNTIME", {
    reason: `the environment variable ${variable}`,
    file: variable,
  });
}
