/** Verbs that answer with facts: about one file, about its content, about the account. */
import { ALGORITHMS, formatDigest, parseAlgorithm } from "../../base/digest.ts";
import type { Algorithm } from "../../base/digest.ts";
import { formatSize } from "../../base/units.ts";
import type { ReplyOf } from "../../client/client.ts";
import type { Usage } from "./verb.ts";
import { visible } from "../escaping.ts";
import { forEachSpot } from "../expansion.ts";
import { writeJson, writeLine, writeName } from "../terminal.ts";
import { formatDate } from "./entries.ts";
import { REMOTE_PATHS, verb } from "./verb.ts";
import type { Spot, Stage } from "./verb.ts";

const ACCOUNT = { firstWord: [], furtherWords: [], target: "first" } as const;

export const STAT = verb({
  name: "stat",
  about: "Says what is known of files and directories on the server",
  options: {},
  shell: { usage: "PATH…", words: [1, Infinity], examples: ["stat a.iso"] },
  oneShot: {
    usage: "TARGET/PATH…",
    words: [1, Infinity],
    examples: ["ftpx stat --json ann@files.example.org/a.iso"],
  },
  ...REMOTE_PATHS,
  run: (stage, words) =>
    forEachSpot(stage, words, async ({ path }) => {
      const facts = await stage.remote.call("stat", { path }, stage.signal);
      if (stage.isJson) writeJson({ path, ...facts });
      else for (const line of statLines(path, facts)) writeLine(line);
    }),
});

export const MD5 = digestVerb("md5");
export const SHA256 = digestVerb("sha256");

export const DIGEST = verb({
  name: "digest",
  about: "Digests whole files on the server, as md5sum and its kin print it",
  options: {
    digest: {
      flags: "--digest <algorithm>",
      about: `${Object.keys(ALGORITHMS).join(", ")} (sha256)`,
      parse: parseAlgorithm,
    },
  },
  ...digestUsage("digest", "--digest blake3 "),
  run: (stage, words, { digest }) => writeDigests(stage, words, digest ?? "sha256"),
});

function digestVerb(algorithm: "md5" | "sha256") {
  return verb({
    name: algorithm,
    about: `Digests whole files on the server, as ${algorithm}sum prints it`,
    options: {},
    ...digestUsage(algorithm, ""),
    run: (stage, words) => writeDigests(stage, words, algorithm),
  });
}

function digestUsage(name: string, options: string) {
  const words = [1, Infinity] as const;
  const example = `ftpx ${name} ${options}ann@files.example.org/a.iso`;
  const shell: Usage = { usage: "PATH…", words, examples: [`${name} ${options}a.iso`] };
  const oneShot: Usage = { usage: "TARGET/PATH…", words, examples: [example] };
  return { shell, oneShot, ...REMOTE_PATHS };
}

async function writeDigests(
  stage: Stage,
  words: readonly string[],
  algorithm: Algorithm,
): Promise<number> {
  return await forEachSpot(stage, words, async ({ path, shown }) => {
    const found = await stage.remote.call("digest", { path, algorithm }, stage.signal);
    const { digest, totalBytes } = found;
    const written = formatDigest({ algorithm, bytes: digest, chunks: 1 });
    if (stage.isJson) writeJson({ path, digest: written, bytes: totalBytes });
    else writeName(sumLine(Buffer.from(digest).toString("hex"), nameBelow(stage, shown)));
  });
}

/** Below the home, where a command has no directory: so `md5sum -c` finds it below a copy. */
function nameBelow({ shell }: Stage, shown: string): string {
  return shell === undefined ? shown.replace(/^\//, "") : shown;
}

/**
 * `HEX  NAME` as GNU's md5sum writes and reads it: a name with a backslash or a line end is
 * escaped and the line begins with a backslash. Everything else is left as it is.
 */
export function sumLine(hex: string, name: string): string {
  const escaped = name
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", String.raw`\n`)
    .replaceAll("\r", String.raw`\r`);
  return `${escaped === name ? "" : "\\"}${hex}  ${escaped}`;
}

export const QUOTA = verb({
  name: "quota",
  about: "Says how much room the account has, and how much is left",
  options: {},
  shell: { usage: "", words: [0, 0], examples: [] },
  oneShot: { usage: "TARGET", words: [1, 1], examples: ["ftpx quota ann@files.example.org"] },
  ...ACCOUNT,
  run: async (stage) => {
    const quota = await stage.remote.call("quota", {}, stage.signal);
    if (stage.isJson) writeJson({ ...quota, ...roomOf(quota) });
    else for (const line of quotaLines(quota)) writeLine(line);
    return 0;
  },
});

export const WHOAMI = verb({
  name: "whoami",
  about: "Says who is signed in where",
  options: {},
  shell: { usage: "", words: [0, 0], examples: [], aliases: ["who"] },
  oneShot: { usage: "TARGET", words: [1, 1], examples: ["ftpx whoami ann@files.example.org"] },
  ...ACCOUNT,
  run: async ({ user, server, fingerprint, isJson }) => {
    if (isJson) writeJson({ user, server, fingerprint });
    else writeLine(`${visible(`${user}@${server}`)}  ${fingerprint}`);
    return 0;
  },
});

type Quota = ReplyOf<"quota">;

/** What may still come; nothing below zero after an operator has lowered the limit. */
export function roomOf(quota: Quota): { freeBytes: number; freeFiles: number } {
  const { limitBytes, usedBytes, reservedBytes, limitFiles, usedFiles, reservedFiles } = quota;
  return {
    freeBytes: Math.max(0, limitBytes - usedBytes - reservedBytes),
    freeFiles: Math.max(0, limitFiles - usedFiles - reservedFiles),
  };
}

/** Directories count as files. */
export function quotaLines(quota: Quota): string[] {
  const { freeBytes, freeFiles } = roomOf(quota);
  const rows: [name: string, bytes: number, files: number][] = [
    ["used", quota.usedBytes, quota.usedFiles],
    ["reserved", quota.reservedBytes, quota.reservedFiles],
    ["room left", freeBytes, freeFiles],
    ["limit", quota.limitBytes, quota.limitFiles],
  ];
  const lines = rows.map(([name, bytes, files]) => [name, formatSize(bytes), `${files}`] as const);
  return [["", "size", "files"] as const, ...lines].map(
    ([name, size, files]) => `${name.padEnd(9)}${size.padStart(10)}${files.padStart(12)}`,
  );
}

function statLines(path: Spot["path"], facts: ReplyOf<"stat">): string[] {
  const { kind, bytes, modifiedMs, version } = facts;
  const size = kind === "file" ? [`  size      ${formatSize(bytes)} (${bytes} bytes)`] : [];
  return [
    visible(path),
    `  kind      ${kind}`,
    ...size,
    `  modified  ${formatDate(modifiedMs)}`,
    `  version   ${visible(version)}`,
  ];
}
