/** The prompt of the shell: `ann@host:/dir (9.2 GB free)> `, shorter where it must be. Pure. */
import { formatSize } from "../base/units.ts";
import { visible } from "./escaping.ts";
import { shorten } from "./layout.ts";

interface PromptFacts {
  readonly user: string;
  readonly server: string;
  readonly directory: string;
  /** Unknown until the server has told it. */
  readonly freeBytes: number | undefined;
}

/** What is typed needs room too: this much of the line is for it. */
const TYPED_COLUMNS_MIN = 20;

const DIRECTORY_COLUMNS_MIN = 8;

/**
 * @param columns of the terminal
 * @param paint   colours the place; it does not change its width
 */
export function promptText(
  facts: PromptFacts,
  columns: number,
  paint: (place: string) => string = (place) => place,
): string {
  const { user, server, freeBytes } = facts;
  const directory = visible(facts.directory);
  const who = `${visible(user)}@${visible(server)}:`;
  const room = freeBytes === undefined ? "" : ` (${formatSize(freeBytes)} free)`;
  const budget = columns - TYPED_COLUMNS_MIN;
  const fits = (...parts: readonly string[]) => Bun.stringWidth(parts.join("")) <= budget;
  if (fits(who, directory, room, "> ")) return `${paint(who + directory)}${room}> `;
  if (fits(who, directory, "> ")) return `${paint(who + directory)}> `;
  const left = Math.max(DIRECTORY_COLUMNS_MIN, budget - 2 - Bun.stringWidth(who));
  const isWhoShown = left > DIRECTORY_COLUMNS_MIN;
  const place = isWhoShown ? who + shorten(directory, left) : shorten(directory, budget - 2);
  return `${paint(place)}> `;
}
