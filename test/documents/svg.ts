/**
 * A terminal's screen, as `tmux capture-pane -e` gives it, as an SVG picture.
 *
 * Every run of characters is placed by its column, so that a picture is right whatever width
 * the font of its reader has. Colours are the sixteen of the terminal; anything else that a
 * sequence asks for is left out.
 */
import { escapeText } from "./sheet.ts";

const CELL_WIDTH = 8.4;
const LINE_HEIGHT = 18;
const MARGIN = 14;
const TITLE_HEIGHT = 30;

const COLOURS = [
  ["30", "#3b4252"],
  ["31", "#f0717b"],
  ["32", "#a3d977"],
  ["33", "#f2c572"],
  ["34", "#79b8ff"],
  ["35", "#d6a2f7"],
  ["36", "#7fdbda"],
  ["37", "#e5e9f0"],
  ["90", "#8b95a7"],
] as const;

const COLOUR_OF = new Map<string, string>(COLOURS);
const PLAIN = "#dfe4ec";

interface Style {
  readonly colour: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

interface Run extends Style {
  readonly text: string;
  /** From 0 on. */
  readonly column: number;
}

const NO_STYLE: Style = { colour: PLAIN, isBold: false, isDim: false };

/** @param screen lines with SGR sequences (ECMA-48, 8.3.117) and no others */
export function pictureOf(screen: string, title: string, columns: number): string {
  const lines = screen.replace(/\s+$/u, "").split("\n");
  const width = Math.ceil(columns * CELL_WIDTH + 2 * MARGIN);
  const height = TITLE_HEIGHT + lines.length * LINE_HEIGHT + MARGIN;
  let style = NO_STYLE;
  const drawn = lines.flatMap((line, index) => {
    const { runs, last } = runsOf(line, style);
    style = last;
    const y = TITLE_HEIGHT + (index + 0.75) * LINE_HEIGHT;
    return runs.map((run) => drawRun(run, y));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img"`,
    ` aria-label="${escapeText(title)}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="#1f2430"/>`,
    `<g font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14"`,
    ` xml:space="preserve">`,
    `<text x="${width / 2}" y="20" fill="#8b95a7" text-anchor="middle">${escapeText(title)}</text>`,
    ...drawn,
    "</g></svg>\n",
  ].join("\n");
}

function runsOf(line: string, before: Style): { runs: Run[]; last: Style } {
  const runs: Run[] = [];
  let [style, column] = [before, 0];
  for (const [index, piece] of line.split("\u001b[").entries()) {
    const end = index === 0 ? -1 : piece.indexOf("m");
    if (index > 0) style = styled(style, piece.slice(0, end));
    const part = piece.slice(end + 1);
    if (part.trim() !== "") {
      const indent = part.length - part.trimStart().length;
      runs.push({ ...style, text: part.trim(), column: column + indent });
    }
    column += Bun.stringWidth(part);
  }
  return { runs, last: style };
}

function styled(style: Style, codes: string): Style {
  let changed = style;
  for (const code of codes.split(";")) {
    if (code === "" || code === "0") changed = NO_STYLE;
    else if (code === "1") changed = { ...changed, isBold: true };
    else if (code === "2") changed = { ...changed, isDim: true };
    else if (code === "22") changed = { ...changed, isBold: false, isDim: false };
    else if (code === "39") changed = { ...changed, colour: PLAIN };
    else changed = { ...changed, colour: COLOUR_OF.get(code) ?? changed.colour };
  }
  return changed;
}

function drawRun({ text, column, colour, isBold, isDim }: Run, y: number): string {
  const x = (MARGIN + column * CELL_WIDTH).toFixed(1);
  const length = (Bun.stringWidth(text) * CELL_WIDTH).toFixed(1);
  const weight = isBold ? ' font-weight="bold"' : "";
  const opacity = isDim ? ' opacity="0.65"' : "";
  const place = `x="${x}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs"`;
  return `<text ${place} fill="${colour}"${weight}${opacity}>${escapeText(text)}</text>`;
}
