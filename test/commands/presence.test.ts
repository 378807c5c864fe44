import { expect, test } from "bun:test";
import { BODY_BYTES_MAX, PATH_BYTES_MAX, TRANSFERS_MAX } from "../../src/base/limits.ts";
import { parsePath } from "../../src/base/path.ts";
import { sessions } from "../../src/commands/presence.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { Session } from "../../src/sessions/session.ts";
import { Motion } from "../../src/transfer/motion.ts";
import { decodeBody, encodeBody } from "../../src/wire/shape.ts";

/** The longest that there is on the wire: each byte of the name is an escape of four. */
const LONGEST = parsePath(`/${"\u{10feff}".repeat(255)}`.repeat(15));
const LATIN = parsePath(`/${"x".repeat(255)}`.repeat(15));

const lastActiveMs = () => performance.now();

function sessionOf(id: number, path: typeof LONGEST, count: number): Session {
  const moves = Array.from({ length: count }, (_, index) => {
    const motion = new Motion("upload", path, 10, () => 5);
    return [index, { motion }] as const;
  });
  const line = { door: "native", address: "2001:db8::1" };
  const transfers = { open: new Map(moves) };
  return { id, line, client: "c".repeat(64), beganMs: 0, transfers, lastActiveMs } as never;
}

async function pagesOf(all: readonly Session[]) {
  const asking = sessionOf(0, LATIN, 0);
  Object.assign(asking, { registry: { sessions: new Set([...all, asking]) } });
  const pages = [];
  for (let after = 0; ;) {
    const body = encodeBody(TABLE.sessions.reply, await sessions(asking, { after }));
    expect(body.byteLength).toBeLessThanOrEqual(BODY_BYTES_MAX);
    const page = decodeBody(TABLE.sessions.reply, body).sessions;
    if (page.length === 0) return pages;
    pages.push(page);
    after = page.at(-1)?.id ?? after;
  }
}

test("pages of sessions fit a body, whatever moves, and name each session once", async () => {
  expect(Buffer.byteLength(LONGEST)).toBeGreaterThan(3 * PATH_BYTES_MAX);
  for (const path of [LONGEST, LATIN]) {
    const all = Array.from({ length: 12 }, (_, index) => sessionOf(index + 1, path, TRANSFERS_MAX));
    const found = (await pagesOf(all)).flat();

    expect(found.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    for (const { transfers, transferCount } of found) {
      expect(transferCount).toBe(TRANSFERS_MAX);
      expect(transfers.length).toBeGreaterThan(0);
    }
  }
});

test("ten thousand idle sessions are a few pages", async () => {
  const all = Array.from({ length: 10_000 }, (_, index) => sessionOf(index + 1, LATIN, 0));
  const pages = await pagesOf(all);

  expect(pages.flat().length).toBe(10_000);
  expect(pages.length).toBeLessThan(20);
});
