/**
 * Text in columns for fenced blocks: every column but the last is padded, the last one is
 * wrapped under itself, and no line is longer than LINE_CHARACTERS_MAX.
 */

export const LINE_CHARACTERS_MAX = 100;

const GAP = "  ";

/** Rows of one block. The first row may be a head; it is treated like the others. */
export function columns(rows: readonly (readonly string[])[]): string {
  const lastColumn = Math.max(...rows.map((row) => row.length)) - 1;
  const widths = Array.from({ length: lastColumn }, (_none, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const indent = widths.reduce((sum, width) => sum + width + GAP.length, 0);
  return rows
    .map((row) => {
      const cells = widths.map((width, column) => (row[column] ?? "").padEnd(width) + GAP);
      const last = wrap(row[lastColumn] ?? "", LINE_CHARACTERS_MAX - indent);
      return last
        .map((line, index) => (index === 0 ? cells.join("") : " ".repeat(indent)) + line)
        .map((line) => line.trimEnd())
        .join("\n");
    })
    .join("\n");
}

/** Lines of at most so many characters, indented as the first is; a longer word stands alone. */
export function wrap(text: string, charactersMax: number): string[] {
  const lines: string[] = [];
  const indent = /^ */.exec(text)?.[0] ?? "";
  let line = "";
  for (const word of text.trim().split(" ")) {
    const longer = line === "" ? indent + word : `${line} ${word}`;
    if (line !== "" && longer.length > charactersMax) {
      lines.push(line);
      line = indent + word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

export function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

/** Octets as pairs of digits, 24 pairs a line, what follows the first line indented. */
export function spacedHex(octets: Uint8Array, label = ""): string {
  const pairs = Buffer.from(octets).toString("hex").match(/../g) ?? [];
  const lines: string[] = [];
  for (let index = 0; index < pairs.length; index += HEX_PAIRS_PER_LINE) {
    lines.push(pairs.slice(index, index + HEX_PAIRS_PER_LINE).join(" "));
  }
  const indent = " ".repeat(label.length);
  return lines.map((line, index) => (index === 0 ? label : indent) + line).join("\n");
}

const HEX_PAIRS_PER_LINE = 24;
