/** Failures as tests expect them. */
import { expect } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import type { Details, ErrorKind } from "../../src/base/errors.ts";

/** For `toThrow`: an FtpxError of this kind, with at least these details. */
export function refusal(kind: ErrorKind, details: Details = {}): object {
  const expected = { kind, details: expect.objectContaining(details) as Details };
  return expect.objectContaining(expected) as object;
}

/** The kind of what `work` throws, or "done". Anything that is no FtpxError goes through. */
export function kindOf(work: () => unknown): ErrorKind | "done" {
  try {
    work();
    return "done";
  } catch (error) {
    if (error instanceof FtpxError) return error.kind;
    throw error;
  }
}

/**
 * What a promise is rejected with, or "done". For answers of other threads: `rejects` waits
 * inside the call, and messages of a worker do not come through any more after that.
 */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => "done",
    (error: unknown) => error,
  );
}

/** The kind of a refusal, "none" where there is none, and what else it was as text. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return error instanceof FtpxError ? error.kind : String(error);
  }
}
