import { expect, test } from "bun:test";
import { isWithout, turnsOf } from "../../bench/bench.ts";

test("who begins changes, and of two each is first as often", () => {
  const pairs = Array.from({ length: 4 }, (_hole, pair) => turnsOf(["A", "B"], pair).join(" "));

  expect(pairs).toEqual(["A B", "B A", "B A", "A B"]);
});

test("in five pairs nobody always comes behind the same one", () => {
  const all = Array.from({ length: 14 }, (_hole, index) => index);
  const order = Array.from({ length: 5 }, (_hole, pair) => turnsOf(all, pair));

  for (const one of all) {
    const before = order.map((turns) => turns[turns.indexOf(one) - 1]);
    expect(new Set(before).size).toBeGreaterThan(1);
  }
  for (const turns of order) expect(turns.toSorted((a, b) => a - b)).toEqual(all);
});

test.each([
  ["sftp", "sftp", true],
  ["sftp", "sftp aes128-gcm", true],
  ["sftp", "curl ftps vsftpd", false],
  ["curl", "curl ftps vsftpd", true],
  ["vsftpd", "curl ftps vsftpd", true],
  ["ftps", "lftp ftps vsftpd", true],
  ["lftp", "lftp ftps vsftpd", true],
  ["sftp aes", "sftp aes128-gcm", true],
])("--without %p: %p stays out: %p", (name, peer, isOut) => {
  expect(isWithout(peer, [name])).toBe(isOut);
});
