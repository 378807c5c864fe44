import { expect, test } from "bun:test";
import { expose } from "../../src/doors/exposition.ts";
import { readExposition } from "../support/prometheus.ts";

test("a family is its help, its type and its samples; one without samples is left out", () => {
  const text = expose([
    { name: "ftpx_a_total", type: "counter", help: "Of a.", samples: [{ value: 3 }] },
    { name: "ftpx_none", type: "gauge", help: "Not known here.", samples: [] },
    {
      name: "ftpx_b_seconds",
      type: "gauge",
      help: "Of b.",
      samples: [
        { labels: { door: "native", kind: "x" }, value: 0.25 },
        { labels: { door: "plain", kind: "x" }, value: 0 },
      ],
    },
  ]);

  expect(text).toBe(
    "# HELP ftpx_a_total Of a.\n# TYPE ftpx_a_total counter\nftpx_a_total 3\n" +
      "# HELP ftpx_b_seconds Of b.\n# TYPE ftpx_b_seconds gauge\n" +
      'ftpx_b_seconds{door="native",kind="x"} 0.25\nftpx_b_seconds{door="plain",kind="x"} 0\n',
  );
});

test("I4: what stands in a label or a help cannot end it", () => {
  const hostile = 'a"} 1\nftpx_forged_total 9\n\\';
  const samples = [{ labels: { version: hostile }, value: 1 }];
  const read = readExposition(expose([{ name: "ftpx_a", type: "gauge", help: hostile, samples }]));

  expect([...read.keys()]).toEqual(["ftpx_a"]);
  expect([...(read.get("ftpx_a")?.samples.keys() ?? [])]).toEqual([
    String.raw`version="a\"} 1\nftpx_forged_total 9\n\\"`,
  ]);
});

test.each([
  ["no line end", "# HELP a b\n# TYPE a gauge\na 1"],
  ["no type", "# HELP a b\na 1\n"],
  ["no help", "# TYPE a gauge\na 1\n"],
  ["a counter without _total", "# HELP a b\n# TYPE a counter\na 1\n"],
  ["a sample twice", "# HELP a b\n# TYPE a gauge\na 1\na 1\n"],
  ["no number", "# HELP a b\n# TYPE a gauge\na one\n"],
  ["an open label", '# HELP a b\n# TYPE a gauge\na{x="} 1\n'],
])("the reader of the tests refuses %s", (_case, text) => {
  expect(() => readExposition(text)).toThrow();
});
