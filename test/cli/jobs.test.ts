import { afterAll, beforeEach, expect, spyOn, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { parsePath } from "../../src/base/path.ts";
import { beginTelling } from "../../src/cli/trouble.ts";
import { runCopies } from "../../src/cli/verbs/jobs.ts";
import type { Stage } from "../../src/cli/verbs/verb.ts";
import { NO_PLACE } from "../../src/client/retries.ts";

const write = spyOn(process.stderr, "write");
let told = "";

beforeEach(() => {
  told = "";
  beginTelling(false);
  write.mockImplementation((text) => {
    told += String(text);
    return true;
  });
});

afterAll(() => write.mockRestore());

/** What is said of an upload whose retries ended in such a failure. */
async function toldOf(kind: ErrorKind): Promise<string> {
  const stage = {
    remote: { retrying: () => Promise.reject(new FtpxError(kind)) },
    signal: new AbortController().signal,
    isJson: false,
  };
  const path = parsePath("/f");
  const task = { direction: "upload", local: "f", path, label: "f", totalBytes: 1 } as const;
  const settings = { algorithm: "sha256", pace: undefined, jobs: 1 } as const;
  const flags = { isFresh: false, mayReplace: true };
  await runCopies(stage as unknown as Stage, [task], { ...settings, ...flags });
  return told;
}

test.each([...NO_PLACE, "UNREACHABLE", "SERVER_STOPPING"] as const)(
  "a copy that could not come back because of %s says that it is kept",
  async (kind) => {
    expect(await toldOf(kind)).toContain(
      "hint: what was copied is kept: the same command goes on where it was\n",
    );
  },
);

test.each(["CONNECTION_LOST", "KICKED", "DRAINING", "QUOTA_EXCEEDED"] as const)(
  "%s has a hint of its own, and no second one for copies",
  async (kind) => {
    expect((await toldOf(kind)).match(/hint: /g)).toHaveLength(1);
  },
);
