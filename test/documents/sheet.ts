/** What SVG pictures have in common: how text stands in them, and the sheet of a measurement. */

const ENTITIES = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
]);

/** For text and for attributes in double quotes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES.get(character) ?? character);
}

/** A whole picture of measurements, black on white: what is drawn in it, and its title for readers. */
export function sheetOf(
  title: string,
  { width, height }: { readonly width: number; readonly height: number },
  drawn: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img"`,
    ` aria-label="${escapeText(title)}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<g font-family="system-ui,sans-serif" font-size="12" fill="#30363d">`,
    ...drawn,
    "</g></svg>\n",
  ].join("\n");
}
