/**
 * Patterns of names as a shell has them: `*`, `?`, `[a-z]`, `[!x]`, `{a,b}`, and `**` for any
 * number of directories. A backslash makes the next character stand for itself, and so does a
 * bracket or brace without its partner. A dot at the front of a name is matched by a written
 * one only, unless the caller wants otherwise.
 *
 * Never by way of a RegExp: a name costs at most its length times that of the pattern's last
 * stretch behind a `*`, and braces have a bound.
 */
import { FtpxError } from "./errors.ts";
import { GLOB_ALTERNATIVES_MAX } from "./limits.ts";

/** One name of a pattern. */
export interface Segment {
  /** The only name that it matches, where it has nothing special. */
  readonly literal: string | undefined;
  /** `**`: any number of directories, also none. */
  readonly isDeep: boolean;
  /** Whether one name fits. */
  matches(name: string, hasDots?: boolean): boolean;
}

/** One way to read a pattern: its names, without empty ones. */
export interface Alternative {
  readonly segments: readonly Segment[];
  readonly isAbsolute: boolean;
  /** It ends in a slash: it means directories. */
  readonly isDirectory: boolean;
}

interface Item {
  readonly character: string;
  /** Nothing took its meaning away. */
  readonly isActive: boolean;
}

interface CharacterSet {
  readonly isNegated: boolean;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** A literal code point, or what stands for others. */
type Token = number | "one" | "many" | CharacterSet;

/** Whether anything in it could be special. */
export function isGlob(pattern: string): boolean {
  return itemsOf(pattern).some((item) => item.isActive && "*?[{".includes(item.character));
}

/** Text as a pattern that matches it and nothing else. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]{}\\]/g, String.raw`\$&`);
}

/**
 * Braces are resolved first, so each alternative has names of its own.
 *
 * @throws FtpxError USAGE for more alternatives than GLOB_ALTERNATIVES_MAX
 */
export function parseGlob(pattern: string): readonly Alternative[] {
  return expandBraces(itemsOf(pattern)).map(alternativeOf);
}

/** Whether the names of a path fit: each segment one name, `**` any number of them. */
export function matchesNames(
  segments: readonly Segment[],
  names: readonly string[],
  hasDots: boolean,
): boolean {
  // All places in the pattern where the names so far may have led, so nothing is tried twice.
  let places = passDeep(segments, new Set([0]));
  for (const name of names) {
    const next = new Set<number>();
    for (const place of places) {
      const segment = segments[place];
      if (segment?.isDeep === true && (hasDots || !name.startsWith("."))) next.add(place);
      else if (segment?.isDeep === false && segment.matches(name, hasDots)) next.add(place + 1);
    }
    places = passDeep(segments, next);
  }
  return places.has(segments.length);
}

function passDeep(segments: readonly Segment[], places: Set<number>): Set<number> {
  for (const place of places) if (segments[place]?.isDeep === true) places.add(place + 1);
  return places;
}

function itemsOf(pattern: string): Item[] {
  const items: Item[] = [];
  let isEscaped = false;
  for (const character of pattern) {
    if (!isEscaped && character === "\\") {
      isEscaped = true;
      continue;
    }
    items.push({ character, isActive: !isEscaped });
    isEscaped = false;
  }
  if (isEscaped) items.push({ character: "\\", isActive: false });
  return items;
}

function isActive(item: Item | undefined, character: string): boolean {
  return item?.isActive === true && item.character === character;
}

function expandBraces(items: readonly Item[]): (readonly Item[])[] {
  const braces = findBraces(items);
  if (braces === undefined) return [items];
  const head = items.slice(0, braces.open);
  const tails = expandBraces(items.slice(braces.close + 1));
  const expanded: (readonly Item[])[] = [];
  let start = braces.open + 1;
  for (const end of [...braces.commas, braces.close]) {
    for (const middle of expandBraces(items.slice(start, end))) {
      for (const tail of tails) expanded.push([...head, ...middle, ...tail]);
    }
    if (expanded.length > GLOB_ALTERNATIVES_MAX) {
      const reason = `a pattern has at most ${GLOB_ALTERNATIVES_MAX} alternatives in braces`;
      throw new FtpxError("USAGE", { reason });
    }
    start = end + 1;
  }
  return expanded;
}

/** The first braces that end and have a comma. */
function findBraces(items: readonly Item[]) {
  const open: { open: number; commas: number[] }[] = [];
  let first: { open: number; commas: number[]; close: number } | undefined;
  for (const [index, item] of items.entries()) {
    if (isActive(item, "{")) open.push({ open: index, commas: [] });
    else if (isActive(item, ",")) open.at(-1)?.commas.push(index);
    else if (isActive(item, "}")) {
      const ended = open.pop();
      if (ended === undefined || ended.commas.length === 0) continue;
      if (first === undefined || ended.open < first.open) first = { ...ended, close: index };
      if (open.length === 0) return first;
    }
  }
  return first;
}

function alternativeOf(items: readonly Item[]): Alternative {
  const segments: Segment[] = [];
  let name: Item[] = [];
  for (const item of [...items, { character: "/", isActive: false }]) {
    if (item.character !== "/") name.push(item);
    else if (name.length > 0) segments.push(segmentOf(name.splice(0)));
  }
  name = [];
  return {
    segments,
    isAbsolute: items[0]?.character === "/",
    isDirectory: items.at(-1)?.character === "/",
  };
}

function segmentOf(items: readonly Item[]): Segment {
  const isDeep = items.length === 2 && items.every((item) => isActive(item, "*"));
  const tokens = tokensOf(items);
  const isLiteral = tokens.every((token) => typeof token === "number");
  const literal = isLiteral ? items.map(({ character }) => character).join("") : undefined;
  const matches = (name: string, hasDots = false): boolean => {
    if (literal !== undefined) return name === literal;
    if (!hasDots && name.startsWith(".") && tokens[0] !== DOT) return false;
    return matchesTokens(tokens, name);
  };
  return { literal, isDeep, matches };
}

const DOT = 0x2e;

function tokensOf(items: readonly Item[]): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (index < items.length) {
    const item = items[index];
    const set = isActive(item, "[") ? readSet(items, index + 1) : undefined;
    if (set !== undefined) {
      tokens.push(set.set);
      index = set.next;
      continue;
    }
    if (isActive(item, "?")) tokens.push("one");
    // Two of them are no more than one.
    else if (isActive(item, "*") && tokens.at(-1) !== "many") tokens.push("many");
    else if (!isActive(item, "*")) tokens.push(item?.character.codePointAt(0) ?? 0);
    index += 1;
  }
  return tokens;
}

/** What stands behind a `[`; nothing when no `]` ends it. A `]` at its front is one of the set. */
function readSet(
  items: readonly Item[],
  start: number,
): { set: CharacterSet; next: number } | undefined {
  const isNegated = isActive(items[start], "!") || isActive(items[start], "^");
  const first = isNegated ? start + 1 : start;
  const ranges: [number, number][] = [];
  let index = first;
  while (index < items.length) {
    const item = items[index];
    if (isActive(item, "]") && index > first)
      return { set: { isNegated, ranges }, next: index + 1 };
    const from = item?.character.codePointAt(0) ?? 0;
    const end = items[index + 2];
    const isRange = isActive(items[index + 1], "-") && end !== undefined && !isActive(end, "]");
    ranges.push([from, isRange ? (end.character.codePointAt(0) ?? 0) : from]);
    index += isRange ? 3 : 1;
  }
  return undefined;
}

/**
 * Where a stretch does not fit, only the last `*` takes one character more: what an earlier
 * one could take instead leads to no other outcome.
 */
function matchesTokens(tokens: readonly Token[], name: string): boolean {
  const points = pointsOf(name);
  if (!fitsTail(tokens, points)) return false;
  let token = 0;
  let point = 0;
  let lastMany = -1;
  let retryPoint = 0;
  while (point < points.length) {
    const wanted = tokens[token];
    if (wanted === "many") {
      lastMany = token;
      retryPoint = point;
      token += 1;
    } else if (wanted !== undefined && fits(wanted, points[point] ?? 0)) {
      token += 1;
      point += 1;
    } else if (lastMany >= 0) {
      retryPoint += 1;
      point = retryPoint;
      token = lastMany + 1;
    } else return false;
  }
  return tokens.slice(token).every((rest) => rest === "many");
}

/** Most names have no characters of two units, and then the units are their code points. */
function pointsOf(name: string): ArrayLike<number> {
  if (/[\ud800-\udfff]/.test(name)) {
    return Array.from(name, (character) => character.codePointAt(0) ?? 0);
  }
  const units = new Uint16Array(name.length);
  for (let index = 0; index < units.length; index += 1) units[index] = name.charCodeAt(index);
  return units;
}

/** What stands behind the last `*` has one place only, so most names end here. */
function fitsTail(tokens: readonly Token[], points: ArrayLike<number>): boolean {
  let back = 1;
  for (;;) {
    const token = tokens.at(-back);
    if (token === "many" || token === undefined) return true;
    const point = points[points.length - back];
    if (point === undefined || !fits(token, point)) return false;
    back += 1;
  }
}

function fits(token: Token, point: number): boolean {
  if (typeof token === "number") return token === point;
  if (token === "one") return true;
  if (token === "many") return false;
  const isIn = token.ranges.some(([first, last]) => point >= first && point <= last);
  return isIn !== token.isNegated;
}
