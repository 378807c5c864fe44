import { expect, test } from "bun:test";
import { aimText, AIMS, judge, plainly } from "../../bench/aims.ts";
import type { Aim } from "../../bench/aims.ts";
import type { Series } from "../../bench/results.ts";
import { WORKLOADS } from "../../bench/workloads/workloads.ts";

function seriesOf(who: string, ...values: number[]): Series {
  return { workload: "W1", what: "get", who, unit: "s", values };
}

const BEST: Aim = {
  workload: "W1",
  what: ["get"],
  ours: "ftpx",
  against: { label: "best FTPS", among: / ftps / },
  atLeast: 1.8,
};

test("every aim is about a workload that there is, and has one bound", () => {
  const names = new Set(WORKLOADS.map(({ name }) => name));

  expect(AIMS.filter(({ workload }) => !names.has(workload))).toEqual([]);
  for (const { against, atLeast, atMost } of AIMS) {
    expect(atLeast === undefined).toBe(against === undefined);
    expect(atMost === undefined).toBe(against !== undefined);
  }
});

test("who was not measured is judged by nobody, and is not the best", () => {
  const series = [seriesOf("ftpx", 1), seriesOf("a ftps b", 0), seriesOf("c ftps d", 2)];

  expect(judge(series, [BEST]).map(({ comparison }) => comparison?.against)).toEqual(["c ftps d"]);
  expect(judge(series.slice(0, 2), [BEST])).toEqual([]);
});

test("the best of several is the one that is least behind", () => {
  const series = [
    seriesOf("ftpx", 1),
    seriesOf("curl ftps vsftpd", 3),
    seriesOf("lftp ftps vsftpd", 2),
    seriesOf("curl ftp vsftpd", 0.5),
  ];

  const [judged] = judge(series, [BEST]);

  expect(judged?.comparison).toMatchObject({ against: "lftp ftps vsftpd", ratio: { median: 2 } });
  expect(judged?.isMet).toBe(true);
  expect(judged && plainly(judged)).toMatchObject({ against: "lftp ftps vsftpd", atLeast: 1.8 });
});

test("an aim whose peer was left out is not judged", () => {
  expect(judge([seriesOf("ftpx", 1), seriesOf("sftp", 2)], [BEST])).toEqual([]);
});

test.each([
  [1, "aim at most 1: met"],
  [1.01, "aim at most 1: MISSED"],
])("an absolute bound holds for the median: %p s is %p", (seconds, text) => {
  const aim: Aim = { workload: "W1", what: ["get"], ours: "ftpx", atMost: 1 };

  const [judged] = judge([seriesOf("ftpx", 0.5, seconds, 9)], [aim]);

  expect(judged && aimText(judged)).toBe(text);
});
