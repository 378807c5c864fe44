/** Trials of what a person types (texts.ts): paths, patterns, words of the shell, targets. */
import { escapeGlob, matchesNames, parseGlob } from "../../src/base/glob.ts";
import { HOME, nameBytes, nameText, parsePath, resolvePath } from "../../src/base/path.ts";
import { formatTarget, parseTarget } from "../../src/client/target.ts";
import { cursorOf, plainWord, quoteWord, shellWord, splitWords } from "../../src/cli/words.ts";
import type { Quote } from "../../src/cli/words.ts";
import type { Chance } from "../support/chance.ts";
import { kindOf } from "../support/refusal.ts";
import { globOracle, isWellFormed, pathOracle } from "./oracles.ts";
import type { GlobAtom } from "./oracles.ts";
import { answerOf, demandEqual } from "./refused.ts";
import { spoiledText, wildText } from "./wording.ts";

/** P1: what other programs take for a step up, or for the end of a name. */
const PARTS = [
  "a",
  "b",
  "..",
  "..",
  ".",
  "",
  "\\",
  "%2e%2e",
  "．．",
  "..;",
  "...",
  ".. ",
  " ..",
  "a.",
  "a ",
  "é",
  "\u{10fec0}\u{10feae}",
  "n".repeat(255),
] as const;

const TARGETS = [
  "ann@files.example.org:9999/backup",
  "ftpx://ann@[2001:db8::1]:22/a%20b/#sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "localhost",
  "[::1]:1/x/",
  "ftpx://h/..%2f..",
] as const;

const QUOTES: readonly [Quote, ...Quote[]] = ["", "'", '"', "$'"];

export const SYNTAX_TRIALS = { path, name, glob, pattern, word, line, target };

function path(chance: Chance): void {
  const parts = Array.from({ length: chance.below(13) }, () => chance.pick(PARTS));
  const written = chance.pick(["", "/", "/", "//"]) + parts.join("/");
  const text = chance.percent(30) ? spoiledText(written, chance) : written;
  const expected = pathOracle(text);
  const kind = kindOf(() => parsePath(text));
  const found = kind === "done" ? parsePath(text) : kind;
  if (expected !== undefined) demandEqual(found, expected, JSON.stringify(text));
  if (kind !== "done") return;
  demandEqual(parsePath(found), found, "a path that was parsed");
  demandEqual(resolvePath(HOME, text), found, "a path from the home");
}

/** P7: names of bytes and their texts are one to one. */
function name(chance: Chance): void {
  const octets = chance.bytes(chance.between(1, 12)).map((octet) => octet || 1);
  const text = nameText(octets);
  demandEqual(new Uint8Array(nameBytes(text)), octets, "a name");
  if (!text.isWellFormed()) throw new Error("a name that is no Unicode");
}

/** A pattern of parts whose meaning is known, against names of few letters. */
function glob(chance: Chance): void {
  const letters = ["a", "b", "-", "]", "é"] as const;
  const atoms = Array.from({ length: chance.below(8) }, (): GlobAtom => {
    const [one, other] = [chance.pick(letters), chance.pick(letters)];
    const isNegated = chance.percent(50);
    return chance.pick<GlobAtom>([
      { kind: "many", written: chance.pick(["*", "**"]) },
      { kind: "one", written: "?" },
      { kind: "letter", written: escapeGlob(one), letter: one },
      { kind: "letter", written: one === "]" ? "\\]" : one, letter: one },
      {
        kind: "set",
        written: `[${isNegated ? "!" : ""}\\${one}\\${other}]`,
        isNegated,
        letters: [one, other],
      },
    ]);
  });
  const written = atoms.map((atom) => atom.written).join("");
  // Alone it is any number of directories.
  if (/^\*\*+$/.test(written) || written === "") return;
  const text = Array.from({ length: chance.between(1, 6) }, () => chance.pick(letters)).join("");
  const [alternative] = parseGlob(written);
  const isMatch = matchesNames(alternative?.segments ?? [], [text], true);
  demandEqual(isMatch, globOracle(atoms, text), `${written} and ${text}`);
}

/** Anything is a pattern, or has too many braces; a text that is quoted means itself. */
function pattern(chance: Chance): void {
  const text = wildText(chance, 12);
  const alternatives = answerOf(["USAGE"], () => parseGlob(text)) ?? [];
  for (const { segments } of alternatives) matchesNames(segments, ["a", ".b", text], false);
  const names = text.split("/").filter((part) => part !== "");
  if (names.length === 0 || !isWellFormed(text)) return;
  const [own] = parseGlob(escapeGlob(text));
  demandEqual(matchesNames(own?.segments ?? [], names, true), true, `quoted ${text}`);
  const others = [...names.slice(0, -1), `${names.at(-1)}x`];
  demandEqual(matchesNames(own?.segments ?? [], others, true), false, `quoted ${text}`);
}

/** What no name holds is no word either. */
function wordText(chance: Chance): string {
  return wildText(chance).toWellFormed().replaceAll("\0", "");
}

function word(chance: Chance): void {
  const text = nameText(nameBytes(wordText(chance)));
  const written = quoteWord(text, chance.pick(QUOTES));
  demandEqual(splitWords(written).map(plainWord), [text], written);
}

/** Every line has words or a quote that does not end; its words written again are its words. */
function line(chance: Chance): void {
  const words = Array.from({ length: chance.below(4) }, () => quoteWord(wordText(chance)));
  const text = chance.percent(50) ? wildText(chance, 12) : spoiledText(words.join(" "), chance);
  const { start, before } = cursorOf(text);
  if (start < 0 || start > text.length) throw new Error(`the cursor is at ${start}`);
  const found = answerOf(["USAGE"], () => splitWords(text))?.map(plainWord);
  if (found === undefined || text.includes("\0") || !isWellFormed(text)) return;
  if (found.length - before.length > 1) throw new Error("words are missing before the cursor");
  const kept = found.filter((one) => !one.includes("\0"));
  const again = kept.map((one) => quoteWord(one)).join(" ");
  demandEqual(splitWords(again).map(plainWord), kept, `${text} as ${again}`);
}

/** A target written as a URL is the same target. */
function target(chance: Chance): void {
  const text = chance.percent(20)
    ? wildText(chance, 12)
    : spoiledText(chance.pick(TARGETS), chance);
  const kinds = ["USAGE", "BAD_PATH", "OUTSIDE_HOME", "NAME_TOO_LONG"] as const;
  const parsed = answerOf(kinds, () => parseTarget(text, () => undefined));
  if (parsed === undefined) return;
  if (parsed.host === "" || parsed.port < 1 || parsed.port > 65_535) throw new Error("no host");
  const written = formatTarget(parsed);
  const again = parseTarget(written, () => undefined);
  // The home is a directory, whether that was written or not.
  const isDirectory = parsed.isDirectory || parsed.path === HOME;
  demandEqual(
    again,
    { ...parsed, isDirectory },
    `${JSON.stringify(text)} as ${JSON.stringify(written)}`,
  );
}

/** What is given to paste means in a shell what it was. */
export async function demandShell(chance: Chance, count: number): Promise<void> {
  if (Bun.which("bash") === null) return;
  const words = Array.from({ length: count }, () => nameText(nameBytes(wordText(chance))));
  const script = `printf '%s\\0' ${words.map(shellWord).join(" ")}`;
  const child = Bun.spawn(["bash", "-s"], { stdin: new Blob([script]), stdout: "pipe" });
  const printed = Buffer.from(await new Response(child.stdout).arrayBuffer());
  const expected = Buffer.concat(words.flatMap((one) => [nameBytes(one), Uint8Array.of(0)]));
  if (printed.equals(expected)) return;
  let at = 0;
  while (printed[at] === expected[at]) at += 1;
  const near = (bytes: Buffer) => JSON.stringify(bytes.subarray(at - 20, at + 20).toString());
  throw new Error(`a shell reads ${near(printed)} instead of ${near(expected)}`);
}
