/** What fuzzers allow to be thrown: refusals of some kinds, and nothing else. */
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";

/** What `work` answers; nothing when it was refused. @throws Error for anything else */
export function answerOf<Answer>(
  kinds: readonly ErrorKind[],
  work: () => Answer,
): Answer | undefined {
  try {
    return work();
  } catch (error) {
    demandRefusal(error, kinds);
    return undefined;
  }
}

/** As `answerOf`, for what takes its time. */
export async function answerSoon<Answer>(
  kinds: readonly ErrorKind[],
  work: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await work();
  } catch (error) {
    demandRefusal(error, kinds);
    return undefined;
  }
}

export function demandEqual(found: unknown, expected: unknown, what: string): void {
  if (Bun.deepEquals(found, expected, true)) return;
  throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
}

function demandRefusal(error: unknown, kinds: readonly ErrorKind[]): void {
  if (error instanceof FtpxError && kinds.includes(error.kind)) return;
  throw new Error(`thrown: ${String(error)}`, { cause: error });
}
