/**
 * What is typed into the terminal and not shown: passwords, and what nobody will read. The
 * terminal is in raw mode for as long as that takes; what the keys mean is secrecy.ts.
 */
import { FtpxError } from "../base/errors.ts";
import { visible } from "./escaping.ts";
import { LeftQuestion } from "./questions.ts";
import { HiddenLine } from "./secrecy.ts";
import type { Ending } from "./secrecy.ts";
import { canAsk, writeNote } from "./terminal.ts";

/**
 * What is typed is not shown, and neither is how much of it. What was typed ahead counts; what
 * comes behind the line's end stays for whoever reads next. Asked again while it is empty, which
 * is a slip and no try.
 *
 * @throws FtpxError NO_PASSWORD without a terminal, INTERRUPTED
 */
export async function askPassword(message: string): Promise<string> {
  if (!canAsk()) throw new FtpxError("NO_PASSWORD");
  for (;;) {
    const typed = await typeHidden(message);
    if (typed !== "") return typed;
    writeNote("an empty password is no password: once more");
  }
}

/** @throws FtpxError INTERRUPTED */
async function typeHidden(message: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(`${visible(message)}: `);
  const line = new HiddenLine();
  stdin.setRawMode(true);
  try {
    const ending = await readHidden(line);
    if (ending === "left") throw new LeftQuestion();
    if (ending === "given up") throw new FtpxError("INTERRUPTED");
    return line.text;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    line.forget();
    stderr.write("\n");
  }
}

/** What a key sends behind its escape has come by then, over a slow line too. */
const ESCAPE_MS = 500;

/** The end of stdin, as of a terminal that was closed, gives up. */
async function readHidden(line: HiddenLine): Promise<Ending> {
  const { stdin } = process;
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const decoder = new TextDecoder();
  const give = () => resolve("given up");
  let escape: ReturnType<typeof setTimeout> | undefined;
  const hear = (bytes: Uint8Array): void => {
    clearTimeout(escape);
    const ended = line.take(decoder.decode(bytes, { stream: true }));
    if (ended === undefined) {
      if (line.isEscaped) escape = setTimeout(() => resolve("left"), ESCAPE_MS);
      return;
    }
    stdin.off("data", hear);
    stdin.pause();
    if (ended.rest !== "") stdin.unshift(Buffer.from(ended.rest));
    resolve(ended.ending);
  };
  stdin.on("data", hear);
  stdin.once("end", give);
  stdin.once("error", give);
  stdin.resume();
  try {
    return await promise;
  } finally {
    clearTimeout(escape);
    stdin.off("data", hear);
    stdin.off("end", give);
    stdin.off("error", give);
  }
}

function ignore(): void {}

/** What a terminal has and nobody has read arrives at once; this is ample. */
const ARRIVAL_MS = 50;

/**
 * Throws away what was typed ahead. It was meant for a question that is not asked, may be a
 * password, and must reach neither another question nor the shell behind this program.
 */
export async function discardTyped(): Promise<void> {
  if (!canAsk()) return;
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.on("data", ignore);
  stdin.resume();
  await Bun.sleep(ARRIVAL_MS);
  stdin.off("data", ignore);
  stdin.pause();
  stdin.setRawMode(false);
}
