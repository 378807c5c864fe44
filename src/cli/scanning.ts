/** What a person sees while trees are walked or copied on the server: how much it is so far. */
import { formatSize } from "../base/units.ts";
import { isScreen, repaint, showLive } from "./terminal.ts";
import { shorten } from "./layout.ts";

const PAINT_EVERY_MS = 100;

type Counted = (entry: { readonly bytes: number }) => void;

/** Counts what is found, and shows it on a terminal until the work is done. */
export async function scanning<Value>(
  isJson: boolean,
  work: (onFound: Counted) => Promise<Value>,
): Promise<Value> {
  return await counting(isJson, "scanning", "found", work);
}

/** The same of other work: `copying  12 copied  3.4 MB`. */
export async function counting<Value>(
  isJson: boolean,
  doing: string,
  done: string,
  work: (onDone: Counted) => Promise<Value>,
): Promise<Value> {
  let count = 0;
  let bytes = 0;
  const isLive = !isJson && isScreen(process.stderr);
  const line = () => `${doing}  ${count} ${done}  ${formatSize(bytes)}`;
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
