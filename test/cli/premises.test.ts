import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FtpxError } from "../../src/base/errors.ts";
import { Place } from "../../src/cli/place.ts";
import { clock } from "../../src/cli/premises.ts";

let place: Place;

beforeEach(async () => {
  place = new Place(await mkdtemp(join(tmpdir(), "ftpx-test-")));
  await mkdir(place.own, { recursive: true });
});

afterEach(() => rm(place.root, { recursive: true, force: true }));

test.each(["1970-01-01T00:00:10Z", "2025-12-31T23:59:59Z", "2101-01-01T00:00:00Z"])(
  "a clock that says %s is wrong",
  async (text) => {
    const failure: unknown = await clock(place, new Date(text)).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(FtpxError);
    expect((failure as FtpxError).details.reason).toBe(`the clock says ${text.slice(0, 4)}`);
  },
);

test("a clock that is behind the audit log has gone back", async () => {
  const now = new Date("2027-01-01T00:00:00Z");
  await writeFile(place.auditFile, "");
  for (const [aheadSeconds, isBack] of [
    [59, false],
    [61, true],
  ] as const) {
    const logged = now.getTime() / 1000 + aheadSeconds;
    await utimes(place.auditFile, logged, logged);
    const { text } = await clock(place, now);
    expect([aheadSeconds, text.includes("gone back")]).toEqual([aheadSeconds, isBack]);
  }
});
