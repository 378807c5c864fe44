/**
 * Changes a list of texts in TOML and keeps the comments in it: an operator who has written
 * down whose key is on which line must still find that there.
 *
 * Only a list that has comments is worth this, and such a list goes over several lines. What
 * it cannot do (texts over several lines, another order) it leaves to its caller, who writes
 * the list anew. Pure; that the result is what was meant is proved in directory.ts.
 */
import { unescapeText } from "./scanner.ts";

interface Element {
  readonly text: string;
  /** Of the literal, quotes included, in the text of the list. */
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /(?<comment>#[^\n]*)|(?<text>"(?:[^"\\\n]|\\.)*"|'[^'\n]*')|(?<mark>[[\],])|(?<blank>[ \t\r\n]+)/y;

/**
 * The list with other elements: some of those that it has, in their order, and new ones behind.
 *
 * @param list    from bracket to bracket
 * @param formatText writes a new element
 * @returns nothing when the list has no comment, or when it must be written anew
 */
export function changeList(
  list: string,
  wanted: readonly string[],
  formatText: (text: string) => string,
): string | undefined {
  const elements = elementsOf(list);
  if (elements === undefined || wanted.length === 0) return undefined;
  const kept: Element[] = [];
  const removed: Element[] = [];
  for (const element of elements) {
    (wanted[kept.length] === element.text ? kept : removed).push(element);
  }
  const added = wanted.slice(kept.length);
  const last = elements.at(-1);
  if (last === undefined || added.some((text) => elements.some((one) => one.text === text))) {
    return undefined;
  }
  const longer = added.length === 0 ? list : insertBehind(list, last, added.map(formatText));
  return longer && removed.reduceRight(cut, longer);
}

/** Nothing without a comment among them, or with anything else than texts on one line each. */
function elementsOf(list: string): Element[] | undefined {
  const elements: Element[] = [];
  let hasComments = false;
  for (let at = 0; at < list.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const { comment, text } = TOKEN.exec(list)?.groups ?? { comment: "", text: undefined };
    // Where nothing fits `exec` begins anew at 0, and three quotes are no text and an empty one.
    if (TOKEN.lastIndex <= at || /^(?:"""|''')/.test(list.slice(at, at + 3))) return undefined;
    hasComments ||= comment !== undefined;
    if (text === undefined) continue;
    const inner = text.slice(1, -1);
    const value = text.startsWith('"') ? unescapeText(inner) : inner;
    elements.push({ text: value, start: at, end: TOKEN.lastIndex });
  }
  // A comma on a later line would be left over when what stands before it goes.
  const isUsual = elements.slice(0, -1).every(({ end }) => /^[ \t]*,/.test(list.slice(end)));
  return hasComments && isUsual ? elements : undefined;
}

/** On lines of their own below that of the last element, indented like it. */
function insertBehind(
  list: string,
  last: Element,
  literals: readonly string[],
): string | undefined {
  const lineStart = list.lastIndexOf("\n", last.start) + 1;
  const indentation = /^[ \t]*/.exec(list.slice(lineStart))?.[0] ?? "";
  const lineEnd = list.includes("\r\n") ? "\r\n" : "\n";
  const rest = list.slice(last.end);
  const lineRest = /^[ \t]*(,?)[ \t]*(?:#[^\n]*)?\r?\n/.exec(rest);
  const lines = literals.map((literal) => `${indentation}${literal},${lineEnd}`).join("");
  if (lineRest === null) return undefined;
  const [whole, comma] = lineRest;
  const closed = comma === "" ? `,${whole}` : whole;
  return list.slice(0, last.end) + closed + lines + rest.slice(whole.length);
}

/** With the comma behind it, and with its whole line when nothing else stands there. */
function cut(list: string, { start, end }: Element): string {
  const lineStart = list.lastIndexOf("\n", start) + 1;
  const comma = /^[ \t]*,?/.exec(list.slice(end))?.[0].length ?? 0;
  const behind = /^[ \t]*(?:#[^\n]*)?\r?\n/.exec(list.slice(end + comma))?.[0];
  const isAlone = behind !== undefined && list.slice(lineStart, start).trim() === "";
  if (isAlone) return list.slice(0, lineStart) + list.slice(end + comma + behind.length);
  return list.slice(0, start) + list.slice(end + comma).replace(/^[ \t]+(?=\S)/, "");
}
