/** On what and with what was measured: machine, kernel, and the versions of all that took part. */
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { BINARY } from "../test/e2e/binary.ts";
import { programOf } from "./peers/peer.ts";

export interface Machine {
  readonly processors: string;
  readonly memoryGib: number;
  readonly kernel: string;
  /** Of the last minute, when the run began: anything near a processor's worth is noise. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

const ASKED = [
  ["ftpx", [BINARY, "--version"]],
  ["openssh", ["ssh", "-V"]],
  ["rsync", ["rsync", "--version"]],
  ["vsftpd", ["vsftpd", "-v", "0>&1"]],
  ["curl", ["curl", "-q", "--version"]],
  ["lftp", ["lftp", "--norc", "--version"]],
  ["pyftpdlib", ["/usr/bin/python3", "-c", "import pyftpdlib; print(pyftpdlib.__ver__)"]],
  ["iperf3", ["iperf3", "--version"]],
] as const;

export function machineHere(): Machine {
  const [processor] = cpus();
  const versions = ASKED.map(([name, words]) => [name, versionOf(words)] as const);
  return {
    processors: `${cpus().length} x ${processor?.model.trim() ?? "unknown"}`,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]),
    versions: {
      bun: Bun.version,
      ...Object.fromEntries(versions.filter(([, version]) => version !== "")),
    },
  };
}

/** The first thing in the first line that looks like one. */
function versionOf([tool = "", ...words]: readonly string[]): string {
  const program = programOf(tool);
  if (program === undefined) return "";
  // vsftpd says it to its standard input, as a daemon of inetd would.
  const quoted = words.map((word) => (word === "0>&1" ? word : `'${word}'`)).join(" ");
  const { stdout } = Bun.spawnSync(["sh", "-c", `'${program}' ${quoted} 2>&1`]);
  return /\d+(?:\.\d+)+(?:p\d+)?/.exec(stdout.toString())?.[0] ?? "";
}
