/** What `--json` and the audit log write, an object a line. */

/** The objects of a text that has some: one without a line is a failure. */
export function jsonLines<Line = Record<string, unknown>>(text: string): Line[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** The same of a text that may be empty. */
export function anyJsonLines<Line = Record<string, unknown>>(text: string): Line[] {
  return text === "" ? [] : jsonLines<Line>(text);
}
