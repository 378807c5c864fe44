import { expect, test } from "bun:test";
import { eventLine } from "../../src/cli/eventline.ts";
import type { ServerEvent } from "../../src/base/events.ts";
import { HOSTILE_NAMES, UNSAFE_ON_TERMINAL } from "./hostile.ts";

const TIME = new Date(2026, 10, 21, 9, 5, 7);
const peer = { session: 12, door: "native", user: "ann", address: "192.0.2.7" };
const digest = `sha256:${"ab".repeat(32)}-1483`;

const complaint =
  "each key-value declaration must be followed by an end-of-line (texts need quotes)";

test.each<[string, ServerEvent]>([
  [
    `09:05:07  reload-failed  file /srv/accounts.toml  line 2  column 12  ${complaint}`,
    { event: "reload-failed", file: "/srv/accounts.toml", line: 2, column: 12, reason: complaint },
  ],
  [
    "09:05:07  login          ann@192.0.2.7  password",
    { event: "login", ...peer, method: "password" },
  ],
  [
    "09:05:07  login-failed   -@192.0.2.7  root  unknown user",
    { event: "login-failed", ...peer, user: undefined, name: "root", reason: "unknown user" },
  ],
  [
    "09:05:07  transfer       ann@192.0.2.7  /d/a.iso  upload  12.4 GB  sha256:aba…abab-1483  41.0 s",
    {
      event: "transfer",
      ...peer,
      direction: "upload",
      path: "/d/a.iso",
      bytes: 12.4e9,
      digest,
      resumedAt: 0,
      seconds: 41,
    },
  ],
  [
    "09:05:07  transfer       ann@192.0.2.7  /a  download  2.0 kB  from 1.0 kB on  350 ms",
    {
      event: "transfer",
      ...peer,
      direction: "download",
      path: "/a",
      bytes: 2000,
      resumedAt: 1000,
      seconds: 0.35,
    },
  ],
  [
    "09:05:07  move           ann@192.0.2.7  /a -> /b",
    { event: "move", ...peer, from: "/a", to: "/b" },
  ],
  [
    "09:05:07  remove         ann@192.0.2.7  /d  7 entries  3.0 kB",
    { event: "remove", ...peer, path: "/d", count: 7, bytes: 3000 },
  ],
  [
    "09:05:07  shutdown       signal SIGTERM  clean",
    { event: "shutdown", signal: "SIGTERM", clean: true },
  ],
  ["09:05:07  listening      host ::  port 9999", { event: "listening", host: "::", port: 9999 }],
])("%s", (line, event) => {
  expect(eventLine(event, TIME, 100)).toBe(line);
});

test("P6, I4: no event writes to the terminal, and none of an operation is longer than a line", () => {
  for (const name of HOSTILE_NAMES) {
    const long = name + "long".repeat(100);
    const events: ServerEvent[] = [
      {
        event: "transfer",
        ...peer,
        direction: "upload",
        path: long,
        bytes: 1e12,
        digest,
        resumedAt: 5e11,
        seconds: 9e4,
      },
      { event: "move", ...peer, from: long, to: long },
      { event: "login-failed", ...peer, name: long, reason: "unknown user" },
      { event: "kicked", ...peer, reason: long },
      { event: "defect", ...peer, stack: `Error: ${long}\n at ${long}` },
    ];
    for (const event of events) {
      const line = eventLine(event, TIME, 100);
      expect(line).not.toMatch(UNSAFE_ON_TERMINAL);
      expect(Bun.stringWidth(line) > 100 ? line : "").toBe("");
    }
  }
});
