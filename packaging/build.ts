/**
 * `npm run build`: compiles dist/ftpx for this machine, and with `portable` dist/ftpx-portable. The flags and the entries of every
 * executable stand here and nowhere else; release.ts compiles with the same ones for other
 * machines.
 *
 * Without the two `--no-compile-autoload` flags a `.env` or `bunfig.toml` in the directory
 * where somebody starts ftpx would run before its first line. What the runtime itself is told
 * stands in cli/environment.ts, because every command compares it.
 */
import { BUILT_IN } from "../src/cli/environment.ts";

/** The program, then each file that is started as a thread of its own. */
export const ENTRIES = ["src/main.ts", "src/state/worker.ts", "src/store/hasher.ts"] as const;

export interface Compilation {
  /** Without `.exe`. Two builds are byte for byte the same only under the same last name. */
  readonly outfile: string;
  /** Bytecode saves parsing at the start. */
  readonly hasBytecode: boolean;
  /** For tests: without the ways that not every system has (base/ways.ts). */
  readonly isPortable?: boolean;
  /** For another machine: what Bun calls it, and the Bun of that machine. */
  readonly foreign?: { readonly target: string; readonly runtimePath: string };
}

/** The words behind `bun`, started in the top folder. */
export function compileWords({
  outfile,
  hasBytecode,
  isPortable = false,
  foreign,
}: Compilation): string[] {
  const isForeign = foreign !== undefined;
  return [
    "build",
    "--compile",
    "--minify",
    ...(hasBytecode ? ["--bytecode"] : []),
    "--format=esm",
    "--sourcemap",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--compile-exec-argv=${BUILT_IN.join(" ")}`,
    ...(isPortable ? ["--define", 'FTPX_WITHOUT="all"'] : []),
    ...(isForeign ? [`--target=${foreign.target}`] : []),
    ...(isForeign ? [`--compile-executable-path=${foreign.runtimePath}`] : []),
    ...ENTRIES,
    "--outfile",
    outfile,
  ];
}

if (import.meta.main) {
  const isPortable = Bun.argv[2] === "portable";
  const outfile = isPortable ? "dist/ftpx-portable" : "dist/ftpx";
  const words = compileWords({ outfile, hasBytecode: true, isPortable });
  const { exitCode } = Bun.spawnSync([process.execPath, ...words], {
    cwd: `${import.meta.dir}/..`,
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.exitCode = exitCode;
}
