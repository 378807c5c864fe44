/**
 * Questions to whoever sits at the terminal, on stderr (only user of clack). Nobody waits where
 * nobody can answer: each is refused without a terminal. Those whose answer is not shown are
 * hidden.ts.
 */
import * as clack from "@clack/prompts";
import { FtpxError } from "../base/errors.ts";
import { visible } from "./escaping.ts";
import { canAsk, columnsOf } from "./terminal.ts";

/** A question was left with Esc: a menu asks something else, anybody else ends, as at Ctrl-C. */
export class LeftQuestion extends FtpxError {
  constructor() {
    super("INTERRUPTED");
  }
}

interface Asking {
  /** What Enter alone means; whatever is typed stands in its place. */
  readonly usual?: string;
  /** Refuses an answer with a FtpxError, whose reason is shown, and it is asked for again. */
  readonly check?: (answer: string) => void;
}

/** One line. @throws FtpxError USAGE without a terminal, INTERRUPTED */
export async function ask(message: string, { usual = "", check }: Asking = {}): Promise<string> {
  demandTerminal(new FtpxError("USAGE", { reason: `no terminal to ask for: ${message}` }));
  const isUsual = usual === "" ? {} : { placeholder: visible(usual), defaultValue: usual };
  const answerOf = (typed: string | undefined) => (typed ?? "").trim() || usual;
  const validate = (typed: string | undefined) => complaintOf(() => check?.(answerOf(typed)));
  const question = { ...onStderr(), message: visible(message), ...isUsual, validate };
  return answerOf(await answerTo(() => clack.text(question)));
}

function complaintOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof FtpxError)) throw error;
    return visible(error.details.reason ?? error.kind);
  }
}

/** One of several, by its key. @throws FtpxError USAGE without a terminal, INTERRUPTED */
export async function choose<Key extends string>(
  message: string,
  entries: Readonly<Record<Key, string>>,
): Promise<Key> {
  demandTerminal(new FtpxError("USAGE", { reason: `no terminal to ask: ${message}` }));
  const options = (Object.entries(entries) as [Key, string][]).map(([value, label]) => ({
    value,
    label: visible(label),
  }));
  const question = { ...onStderr(), message: visible(message), options };
  return await answerTo(
    () => clack.select<string>(question) as Promise<Key | typeof clack.CANCEL_SYMBOL>,
  );
}

/** @throws FtpxError USAGE without a terminal, INTERRUPTED */
export async function confirm(message: string): Promise<boolean> {
  demandTerminal(new FtpxError("USAGE", { reason: `no terminal to ask: ${message}` }));
  const question = { ...onStderr(), message: visible(message), initialValue: false };
  return await answerTo(async () => {
    const answer = await clack.confirm(question);
    // Clack turns the mark to the other answer when it is left, and shows that as given.
    if (clack.isCancel(answer)) process.stderr.write("\x1b[A\r\x1b[2K(left without an answer)\n");
    return answer;
  });
}

let questionEnd: Promise<void> | undefined;

/** While a question is open, its end: what is written before would be painted over. Never rejects. */
export function endOfQuestion(): Promise<void> | undefined {
  return questionEnd;
}

function demandTerminal(refusal: FtpxError): void {
  if (!canAsk()) throw refusal;
}

function onStderr() {
  const { stderr } = process;
  // With a width of 0 clack and readline put each character on a line of its own.
  if (!(stderr.columns > 0)) stderr.columns = columnsOf(stderr);
  return { output: stderr, withGuide: false };
}

/** Clack says no more than that it was left; with which key, the keys themselves tell. */
async function answerTo<Answer>(
  question: () => Promise<Answer | typeof clack.CANCEL_SYMBOL>,
): Promise<Answer> {
  let isInterrupted = false;
  const ending = Promise.withResolvers<void>();
  const hear = (_text: string | undefined, key: { ctrl?: boolean; name?: string }): void => {
    if (key.ctrl === true && key.name === "c") isInterrupted = true;
  };
  questionEnd = ending.promise;
  const asked = question();
  // Behind clack's own hearing, which makes keys of what comes; the answer is given later still.
  process.stdin.on("keypress", hear);
  try {
    const answer = await asked;
    if (!clack.isCancel(answer)) return answer;
  } finally {
    process.stdin.off("keypress", hear);
    questionEnd = undefined;
    ending.resolve();
  }
  throw isInterrupted ? new FtpxError("INTERRUPTED") : new LeftQuestion();
}
