import { expect, test } from "bun:test";
import { plotOf } from "./plot.ts";

const BYTES_MAX = 200_000;

test("two hours of samples make a small picture that keeps the one peak", () => {
  const points = Array.from({ length: 7200 }, (_, x) => ({ x, y: x === 3600 ? 1000 : 20 }));
  const panel = { title: "memory", curves: [{ label: "RSS", colour: "#0969da", points }] };

  const picture = plotOf("soak", [panel, panel, panel, panel], [600, 1200]);

  expect(picture.length).toBeLessThan(BYTES_MAX);
  expect(picture).toContain("1000");
  // The peak is at the top of its panel, whose first line is at y = 66.
  expect(picture).toMatch(/ \d+\.\d,66\.0 /);
});

test("words in a picture are text and nothing else", () => {
  const picture = plotOf('<script> & "x"', [{ title: "a<b", curves: [] }]);

  expect(picture).not.toContain("<script>");
  expect(picture).toContain("&lt;script&gt; &amp; &quot;x&quot;");
});

test("a picture of nothing has no NaN in it", () => {
  const curves = [{ label: "none", colour: "red", points: [] }];

  expect(plotOf("empty", [{ title: "none", curves }])).not.toMatch(/NaN|Infinity|undefined/);
});
