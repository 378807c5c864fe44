/**
 * PROTOCOL.md's table of limits: values from the module, reasons from the comments in its
 * source, so that a reason stands in one place. Constants that follow one comment without
 * a blank line share it.
 */
import fs from "node:fs";
import * as limits from "../../src/base/limits.ts";
import { columns, fenced } from "./columns.ts";

const SOURCE = new URL("../../src/base/limits.ts", import.meta.url);
const GROUP = /\/\*\*((?:(?!\*\/)[^])*)\*\/\n((?:export const \w+ =[^;]*;\n)+)/g;
const NAME = /export const (\w+)/g;

/** @throws Error for a bound without a reason */
export function limitTable(): string {
  const values = new Map(Object.entries(limits));
  const rows = [["name", "value", "reason"]];
  for (const [, comment = "", group = ""] of fs.readFileSync(SOURCE, "utf8").matchAll(GROUP)) {
    let reason = comment.replaceAll(/\s+\*?\s*/g, " ").trim();
    for (const [, name = ""] of group.matchAll(NAME)) {
      rows.push([name, (values.get(name) ?? 0).toLocaleString("en-US"), reason]);
      values.delete(name);
      reason = "(as above)";
    }
  }
  if (values.size > 0) throw new Error(`limits without a reason: ${[...values.keys()].join(", ")}`);
  return fenced(columns(rows));
}
