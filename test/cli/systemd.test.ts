import { expect, test } from "bun:test";
import { launchdText, windowsText } from "../../src/cli/elsewhere.ts";
import { isInHome, unitText, usersText } from "../../src/cli/systemd.ts";
import type { Unit } from "../../src/cli/systemd.ts";
import { refusal } from "../support/refusal.ts";

const UNIT: Unit = {
  name: "ftpx",
  executable: "/usr/local/bin/ftpx",
  data: "/srv/ftpx",
  words: [],
  port: 9999,
  graceMs: 30_000,
  sessionsMax: undefined,
  user: "ftpx",
};

function lineOf(name: string, unit: Partial<Unit> = {}): string | undefined {
  const lines = unitText({ ...UNIT, ...unit }).split("\n");
  return lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
}

test.each([
  ["plain-1.x/y@z", "plain-1.x/y@z"],
  ["two words", '"two words"'],
  ["", '""'],
  ["100%", "100%%"],
  ["a%h b", '"a%%h b"'],
  ['say "x"', String.raw`"say \"x\""`],
  [String.raw`a\b`, String.raw`"a\\b"`],
  ["it's", `"it's"`],
  ["$HOME;", '"$HOME;"'],
])("a word of a unit: %j is written %s", (word, written) => {
  expect(lineOf("ExecStart", { words: [word] })).toBe(
    `:/usr/local/bin/ftpx serve --data /srv/ftpx ${written}`,
  );
});

test.each(["a\nb", "a\0b", "a\u0085b"])("a unit cannot name %j", (data) => {
  expect(() => unitText({ ...UNIT, data })).toThrow(refusal("USAGE"));
});

test("rights to low ports are given where they are needed, and no others", () => {
  expect(lineOf("CapabilityBoundingSet")).toBe("");
  expect(lineOf("AmbientCapabilities")).toBeUndefined();
  expect(lineOf("CapabilityBoundingSet", { port: 1024 })).toBe("");
  expect(lineOf("CapabilityBoundingSet", { port: 1023 })).toBe("CAP_NET_BIND_SERVICE");
  expect(lineOf("AmbientCapabilities", { port: 1023 })).toBe("CAP_NET_BIND_SERVICE");
});

test("homes of people are out of reach unless something of the server's lies there", () => {
  expect(lineOf("ProtectHome")).toBe("yes");
  expect(lineOf("ProtectHome", { data: "/home/ann/ftpx" })).toBe("read-only");
  expect(["/homes/x", "/srv/home", "/rooted"].filter(isInHome)).toEqual([]);
  expect(["/home", "/root/x", "/run/user/1000/x"].filter((path) => !isInHome(path))).toEqual([]);
});

test("the stop waits longer than the grace, and descriptors are enough for the sessions", () => {
  expect(lineOf("TimeoutStopSec")).toBe("45");
  expect(lineOf("TimeoutStopSec", { graceMs: 600_000 })).toBe("615");
  expect(Number(lineOf("LimitNOFILE", { sessionsMax: 100_000 }))).toBeGreaterThan(200_000);
});

test("a unit of a user's own has nothing that only root can give", () => {
  const text = unitText({ ...UNIT, user: undefined });
  for (const name of ["User", "ProtectSystem", "CapabilityBoundingSet", "PrivateDevices"]) {
    expect(text).not.toContain(`\n${name}=`);
  }
  expect(usersText("ftpx")).toContain('\nu ftpx - "ftpx server"\n');
});

test("words reach launchd and Windows as they are", () => {
  const unit = { ...UNIT, data: `/srv/<a> & "b"`, words: ["--quota", "5 GiB"] };
  expect(launchdText(unit)).toContain("<string>/srv/&lt;a&gt; &amp; &quot;b&quot;</string>");
  const windows = { ...unit, data: String.raw`C:\it's here` + "\\" };
  expect(windowsText(windows)).toContain(
    String.raw`-Argument 'serve --data "C:\it''s here\\" --quota "5 GiB"'`,
  );
});
