/** What a person sees while trees are walked, before it is known how much there is to copy. */
import { formatSize } from "../base/units.ts";
import { isScreen, repaint, showLive } from "./terminal.ts";
import { shorten } from "./layout.ts";

const PAINT_EVERY_MS = 100;

/** Counts what is found, and shows it on a terminal until the work is done. */
export async function scanning<Value>(
  isJson: boolean,
  work: (onFound: (entry: { readonly bytes: number }) => void) => Promise<Value>,
): Promise<Value> {
  let count = 0;
  let bytes = 0;
  const isLive = !isJson && isScreen(process.stderr);
  const line = () => `scanning  ${count} found  ${formatSize(bytes)}`;
  const end = isLive ? showLive((columns) => [shorten(line(), columns - 1)]) : () => {};
  const timer = isLive ? setInterval(repaint, PAINT_EVERY_MS) : undefined;
  try {
    return await work((entry) => {
      count += 1;
      bytes += entry.bytes;
    });
  } finally {
    clearInterval(timer);
    end();
  }
}
