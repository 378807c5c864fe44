import { expect, test } from "bun:test";
import { parsePath } from "../../src/base/path.ts";
import { percentOf, sessionLines } from "../../src/cli/who.ts";
import type { Presence } from "../../src/cli/operator.ts";
import { HOSTILE_NAMES, UNSAFE_ON_TERMINAL } from "./hostile.ts";

function presence(more: Partial<Presence> = {}): Presence {
  return {
    id: 12,
    user: "ann",
    door: "native",
    address: "192.0.2.7",
    client: "ftpx 0.1.0",
    ageMs: 200_000,
    idleMs: 0,
    transferCount: 0,
    transfers: [],
    ...more,
  };
}

function move(path: string, doneBytes = 123, totalBytes: number | undefined = 300) {
  const bytesPerSecond = 2_000_000;
  return {
    direction: "upload" as const,
    path: parsePath(path),
    doneBytes,
    totalBytes,
    bytesPerSecond,
  };
}

test("a session is a line, and each of its transfers one below it", () => {
  const transfers = [
    move("/a.iso"),
    { ...move("/b", 0), direction: "download", totalBytes: undefined } as const,
  ];
  const ann = presence({ transfers, transferCount: 3 });
  const stranger = presence({ id: 13, user: "", client: "", idleMs: 65_000 });

  expect(sessionLines([ann, stranger], 100)).toEqual([
    "SESSION  USER  ADDRESS    DOOR    CLIENT      HERE FOR    IDLE FOR",
    "12       ann   192.0.2.7  native  ftpx 0.1.0  3 min 20 s  -",
    "         put  /a.iso  41 %  123 B of 300 B  2.0 MB/s",
    "         get  /b                            2.0 MB/s",
    "         and 1 more",
    "13       -     192.0.2.7  native  -           3 min 20 s  1 min 5 s",
  ]);
});

test("P6, I4: no name, address or client writes to the terminal, and no line is too long", () => {
  for (const name of HOSTILE_NAMES) {
    const path = parsePath(`/${name.replaceAll("\0", "")}x${"long".repeat(60)}`);
    const transfers = [{ ...move("/x"), path }];
    const lines = sessionLines([presence({ client: name, address: name, transfers })], 100);

    expect(lines.join("")).not.toMatch(UNSAFE_ON_TERMINAL);
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThan(100);
  }
});

test.each([
  [0, 0, 100],
  [0, 9, 0],
  [999_999, 1_000_000, 99],
  [9, 9, 100],
])("%d of %d bytes are %d per cent", (done, total, percent) => {
  expect(percentOf(done, total)).toBe(percent);
});
