/** Verbs of the shell about itself: what there is, what was typed, and the way out. */
import { parseCount } from "../../base/units.ts";
import { helpOf } from "../args.ts";
import { visible } from "../escaping.ts";
import { breakLines } from "../layout.ts";
import { clearScreen, columnsOf, writeJson, writeLine } from "../terminal.ts";
import { BARE, findVerb, namesOf, shellOf, specOf, verb } from "./verb.ts";
import type { Verb } from "./verb.ts";

export const HELP = verb({
  name: "help",
  about: "Lists the verbs, or tells more about some",
  options: {},
  shell: { usage: "[VERB…]", words: [0, Infinity], examples: ["help", "help get"] },
  firstWord: ["verb"],
  furtherWords: ["verb"],
  target: "first",
  run: async (stage, words) => {
    const { verbs } = shellOf(stage);
    const rows = words.length === 0 ? verbs : words.map((word) => findVerb(verbs, word));
    for (const row of rows) {
      if (stage.isJson) writeJson(describeVerb(row));
      else if (words.length === 0) writeLine(summaryOf(row));
      else writeLine(manualOf(row));
    }
    return 0;
  },
});

export const HISTORY = verb({
  name: "history",
  about: "Shows the lines that were typed, or the last of them",
  ...BARE,
  shell: { usage: "[COUNT]", words: [0, 1], examples: ["history", "history 20"] },
  run: async (stage, [count]) => {
    const { lines } = shellOf(stage).history;
    const width = `${lines.length}`.length;
    const first = count === undefined ? 0 : Math.max(0, lines.length - parseCount(count));
    for (const [index, line] of lines.entries()) {
      if (index < first) continue;
      if (stage.isJson) writeJson({ number: index + 1, line });
      else writeLine(`${`${index + 1}`.padStart(width)}  ${visible(line)}`);
    }
    return 0;
  },
});

export const CLEAR = verb({
  name: "clear",
  about: "Clears the screen",
  ...BARE,
  run: async (stage) => {
    shellOf(stage);
    clearScreen();
    return 0;
  },
});

export const QUIT = verb({
  name: "quit",
  aliases: ["q", "exit"],
  about: "Leaves the shell",
  ...BARE,
  run: async (stage) => {
    shellOf(stage).isOver = true;
    return 0;
  },
});

const NAMES_COLUMNS = 16;

/** Broken between words where the terminal is narrow; in a pipe a line each. */
function summaryOf(row: Verb): string {
  const columns = process.stdout.isTTY ? columnsOf(process.stdout) : Infinity;
  const names = namesOf(row).join(", ").padEnd(NAMES_COLUMNS);
  const lines = breakLines(row.about, columns - NAMES_COLUMNS);
  return names + lines.join(`\n${" ".repeat(NAMES_COLUMNS)}`);
}

function manualOf(row: Verb): string {
  const spec = specOf(row, "shell");
  return spec === undefined ? "" : helpOf(spec).trimEnd();
}

function describeVerb(row: Verb): Readonly<Record<string, unknown>> {
  const { name, about } = row;
  return { name, aliases: namesOf(row).slice(1), usage: row.shell?.usage, about };
}
