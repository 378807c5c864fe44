/**
 * The same questions answered by other means than src answers them, as simply as possible: what a
 * path is (P1), and whether a pattern fits a name.
 */

export function isWellFormed(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text);
}

/** The path, or the refusal; nothing where escapes of bytes make it another question (P7). */
export function pathOracle(text: string): string | undefined {
  if (/[\u{10fe80}-\u{10feff}]/u.test(text)) return undefined;
  if (!text.startsWith("/") || text.includes("\0") || !isWellFormed(text)) return "BAD_PATH";
  let names: string[] = [];
  for (const part of text.split("/")) {
    if (part === "..") {
      if (names.length === 0) return "OUTSIDE_HOME";
      names = names.slice(0, -1);
    } else if (part !== "" && part !== ".") {
      if (Buffer.byteLength(part) > 255) return "NAME_TOO_LONG";
      names = [...names, part];
    }
  }
  const path = `/${names.join("/")}`;
  return Buffer.byteLength(path) > 4095 ? "NAME_TOO_LONG" : path;
}

export type GlobAtom = { readonly written: string } & (
  | { readonly kind: "many" | "one" }
  | { readonly kind: "letter"; readonly letter: string }
  | { readonly kind: "set"; readonly isNegated: boolean; readonly letters: readonly string[] }
);

/** Tries everything. */
export function globOracle(atoms: readonly GlobAtom[], text: string): boolean {
  const [first, ...rest] = atoms;
  if (first === undefined) return text === "";
  if (first.kind === "many") {
    return globOracle(rest, text) || (text !== "" && globOracle(atoms, text.slice(1)));
  }
  if (text === "") return false;
  const [letter = ""] = text;
  const isOne =
    first.kind === "one" ||
    (first.kind === "letter" && first.letter === letter) ||
    (first.kind === "set" && first.letters.includes(letter) !== first.isNegated);
  return isOne && globOracle(rest, text.slice(1));
}
