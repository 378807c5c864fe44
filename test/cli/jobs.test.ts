import { afterAll, beforeEach, expect, spyOn, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { EAGER_BYTES_MAX, REQUESTS_MAX, TRANSFERS_MAX } from "../../src/base/limits.ts";
import { parsePath } from "../../src/base/path.ts";
import { beginTelling } from "../../src/cli/trouble.ts";
import { inLanes, runCopies } from "../../src/cli/verbs/jobs.ts";
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

const SIZES = [0, 4096, 64 * 1024, 64 * 1024 + 1, EAGER_BYTES_MAX, EAGER_BYTES_MAX + 1, Infinity];

test("every file has one lane, the smallest ones the widest", () => {
  const lanes = inLanes(SIZES, (bytes) => bytes, TRANSFERS_MAX);

  expect(lanes.map(({ items }) => items.length)).toEqual([3, 2, 2]);
  expect(lanes.flatMap(({ items }) => items).toSorted((a, b) => a - b)).toEqual(SIZES);
  expect(lanes.map(({ jobs }) => jobs).toSorted((a, b) => b - a)).toEqual(
    lanes.map(({ jobs }) => jobs),
  );
});

test.each([TRANSFERS_MAX, 100, 8, 1])(
  "of a server that allows %p transfers no lane asks for more",
  (transfersMax) => {
    const jobs = inLanes(SIZES, (bytes) => bytes, transfersMax).map((lane) => lane.jobs);
    const sum = jobs.reduce((all, one) => all + one, 0);

    expect(Math.min(...jobs)).toBeGreaterThanOrEqual(1);
    expect(sum).toBeLessThanOrEqual(Math.max(jobs.length, transfersMax));
    expect(2 * sum).toBeLessThanOrEqual(REQUESTS_MAX);
  },
);
