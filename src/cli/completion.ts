/**
 * What Tab offers in the shell: verbs, options, paths on the server and here, written
 * with the quotes that the word was begun with.
 *
 * A directory of the server is asked for once in a few seconds, and never waited for
 * longer than one: then there is nothing to offer, and the next Tab finds the answer.
 */
import { resolvePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Client } from "../client/client.ts";
import { localEntries } from "../client/localtree.ts";
import { isAscii, Listed } from "./listed.ts";
import type { Candidate } from "./listed.ts";
import { namesOf, specOf } from "./verbs/verb.ts";
import type { Verb, WordKind } from "./verbs/verb.ts";
import { cursorOf, quoteWord } from "./words.ts";
import type { Cursor } from "./words.ts";

const CACHE_MS = 5000;
const WAIT_MS_MAX = 1000;
const OFFERED_MAX = 200;

/** What readline wants: words to put in place of the last one, and how that is written so far. */
export type Offer = [hits: string[], word: string];

interface CompletionPlace {
  readonly directory: VirtualPath;
  client(): Promise<Client>;
  /** A word as a path on this machine. */
  local(word: string): string;
}

export class Completion {
  readonly #verbs: readonly Verb[];
  readonly #place: CompletionPlace;
  readonly #listed = new Map<string, Listed>();

  constructor(verbs: readonly Verb[], place: CompletionPlace) {
    this.#verbs = verbs;
    this.#place = place;
  }

  /** A line up to the cursor. Whatever goes wrong, there is just nothing to offer. */
  async offer(line: string): Promise<Offer> {
    const cursor = cursorOf(line);
    const candidates = await this.#candidates(cursor).catch(() => []);
    return offerOf(cursor, line, candidates);
  }

  /** Something was changed on the server. */
  forget(): void {
    this.#listed.clear();
  }

  async #candidates({ before, text }: Cursor): Promise<readonly Candidate[]> {
    const [name, ...words] = before;
    if (name === undefined) return whole(this.#verbs.flatMap(namesOf));
    const row = this.#verbs.find((verb) => namesOf(verb).includes(name));
    if (row === undefined) return [];
    if (text.startsWith("-")) return whole(optionsOf(row).map(({ flag }) => flag));
    const count = countWords(row, words);
    if (count === undefined) return [];
    const kinds = count === 0 ? row.firstWord : row.furtherWords;
    const found = await Promise.all(kinds.map((kind) => this.#ofKind(kind, text)));
    return found.flat();
  }

  async #ofKind(kind: WordKind, text: string): Promise<readonly Candidate[]> {
    if (kind === "verb") return whole(this.#verbs.flatMap(namesOf));
    if (kind === "side") {
      if (!text.startsWith(":")) return await this.#ofKind("local", text);
      const found = await this.#ofKind("remote", text.slice(1));
      return found.map((candidate) => ({ ...candidate, text: `:${candidate.text}` }));
    }
    const directory = text.slice(0, text.lastIndexOf("/") + 1);
    const leaf = text.slice(directory.length);
    const names = kind === "remote" ? this.#remote(directory, leaf) : this.#local(directory);
    const fitting = (await names).filter(({ text: name }) => isBegunBy(name, leaf));
    return fitting.map(({ text: name, isOpen }) => {
      // A word that begins with - would be an option.
      const head = directory === "" && name.startsWith("-") ? "./" : directory;
      return { text: `${head}${name}${isOpen ? "/" : ""}`, isOpen };
    });
  }

  #remote(directory: string, leaf: string): Promise<readonly Candidate[]> {
    const path = resolvePath(this.#place.directory, directory === "" ? "." : directory);
    let listed = this.#listed.get(path);
    if (listed === undefined || listed.isStale(CACHE_MS)) {
      listed = new Listed(this.#place.client(), path);
      this.#listed.set(path, listed);
    }
    return listed.candidates(leaf, WAIT_MS_MAX);
  }

  async #local(directory: string): Promise<readonly Candidate[]> {
    const path = this.#place.local(directory === "" ? "." : directory);
    const found = await localEntries(path);
    return found.map(({ name, isDirectory }) => ({ text: name, isOpen: isDirectory }));
  }
}

/**
 * Of the candidates those that go on from what is written. Several are first offered as
 * far as they agree, as one; only then as a list to choose from.
 */
export function offerOf(cursor: Cursor, line: string, candidates: readonly Candidate[]): Offer {
  const { text, quote, start } = cursor;
  const written = line.slice(start);
  // A name may be there on both sides.
  const distinct = new Map(candidates.map((candidate) => [candidate.text, candidate]));
  const fitting = [...distinct.values()].filter((candidate) => isBegunBy(candidate.text, text));
  const [only] = fitting;
  if (only === undefined) return [[], written];
  if (fitting.length === 1) {
    const word = quoteWord(only.text, quote, only.isOpen);
    return [[only.isOpen ? word : `${word} `], written];
  }
  const texts = fitting.map((candidate) => candidate.text);
  const agreed = commonStart(texts);
  if (agreed.length > text.length) return [[quoteWord(agreed, quote, true)], written];
  const listed = firstOf(fitting, OFFERED_MAX).map((candidate) =>
    quoteWord(candidate.text, quote, candidate.isOpen),
  );
  const more = texts.length - listed.length;
  return [more > 0 ? [...listed, `… ${more} more`] : listed, written];
}

/** Accents count as the same however they are written. */
function isBegunBy(text: string, start: string): boolean {
  if (text.startsWith(start)) return true;
  return !isAscii(start) && text.normalize("NFC").startsWith(start.normalize("NFC"));
}

/** The first by name; not all of 100,000 are sorted for a few. */
function firstOf(candidates: readonly Candidate[], countMax: number): Candidate[] {
  let first: Candidate[] = [];
  const cut = () => (first = first.toSorted(byText).slice(0, countMax));
  for (const candidate of candidates) {
    first.push(candidate);
    if (first.length > 4 * countMax) cut();
  }
  return cut();
}

function byText(a: Candidate, b: Candidate): number {
  if (a.text === b.text) return 0;
  return a.text < b.text ? -1 : 1;
}

function whole(texts: readonly string[]): Candidate[] {
  return texts.map((text) => ({ text, isOpen: false }));
}

function optionsOf(row: Verb): { flag: string; hasValue: boolean }[] {
  const spec = specOf(row, "shell");
  const flags = Object.values(spec?.options ?? {}).map((option) => option.flags);
  return ["--help", ...flags].map((written) => ({
    flag: /--[\w-]+/.exec(written)?.[0] ?? "",
    hasValue: written.includes("<"),
  }));
}

/** Words that are neither options nor their values; nothing when a value comes next. */
function countWords(row: Verb, words: readonly string[]): number | undefined {
  const valued = optionsOf(row).filter(({ hasValue }) => hasValue);
  const takesValue = (word: string | undefined) => valued.some(({ flag }) => flag === word);
  if (takesValue(words.at(-1))) return undefined;
  const isOwn = (word: string, index: number) =>
    !word.startsWith("-") && !takesValue(words[index - 1]);
  return words.filter(isOwn).length;
}

function commonStart(texts: readonly string[]): string {
  const [first = "", ...others] = texts;
  let length = first.length;
  for (const text of others) {
    let equal = 0;
    while (equal < length && text[equal] === first[equal]) equal += 1;
    length = equal;
  }
  // Half a character is no character.
  return first.slice(0, length).replace(/[\ud800-\udbff]$/, "");
}
