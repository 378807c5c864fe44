/** The name of the system's error behind a failure, also of one that is in our terms already. */
import { failureOf } from "./refusal.ts";

/** "done" where there is no failure. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  const failure = await failureOf(work);
  if (failure === "done") return failure;
  const { code, cause } = failure as { code?: string; cause?: { code?: string } };
  return code ?? cause?.code;
}
