/** PROTOCOL.md's tables of what crosses the wire: commands, notices, errors, algorithms. */
import { ALGORITHMS } from "../../src/base/digest.ts";
import { DETAILS, ERRORS, RETIRED_CODES } from "../../src/base/errors.ts";
import type { ErrorRow } from "../../src/base/errors.ts";
import { NOTICES } from "../../src/commands/notices.ts";
import { TABLE } from "../../src/commands/table.ts";
import type { AnyCommand } from "../../src/commands/table.ts";
import { algorithm } from "../../src/wire/shape.ts";
import { columns, fenced } from "./columns.ts";

/** One command after the other: code, name, right; what it does; both shapes, field by field. */
export function commandTable(): string {
  const blocks = Object.entries(TABLE).map(([name, row]) => {
    const { code, needs, alsoNeeds, about, request, reply } = row as unknown as AnyCommand;
    const rights = alsoNeeds === undefined ? needs : `${needs} and ${alsoNeeds}`;
    const shapes = [
      ...bodyLines("request", request.notation),
      ...bodyLines("reply", reply.notation),
    ];
    return [`${hexOf(code)} ${name} (needs: ${rights})`, `  ${about}`, columns(shapes)].join("\n");
  });
  return fenced(blocks.join("\n\n"));
}

export function noticeTable(): string {
  const rows = Object.entries(NOTICES).map(([name, { code, body }]) => [
    hexOf(code),
    name,
    body.notation,
  ]);
  return fenced(columns([["code", "name", "body"], ...rows]));
}

export function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([name, row]: [string, ErrorRow]) => [
    String(row.code),
    name,
    String(row.exit),
    row.ends,
    row.text,
  ]);
  const retired = RETIRED_CODES.length === 0 ? "none" : RETIRED_CODES.join(", ");
  const head = ["code", "name", "exit", "ends", "what a person reads"];
  return `${fenced(columns([head, ...rows]))}\n\nRetired codes: ${retired}.`;
}

export function detailTable(): string {
  const rows = Object.entries(DETAILS).map(([name, { code, type }]) => [
    String(code),
    name,
    type === "size" ? "u64" : "text",
  ]);
  return fenced(columns([["code", "name", "value"], ...rows]));
}

export function algorithmTable(): string {
  const rows = Object.entries(ALGORITHMS).map(([name, row]) => [
    String(row.code),
    name,
    String(row.digestBytes),
  ]);
  return fenced(columns([["code", "name", "digest bytes"], ...rows]));
}

function hexOf(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}

function bodyLines(label: string, notation: string): string[][] {
  const fields = notation === "" ? ["(empty)"] : fieldsOf(notation);
  return fields.map((field, index) => [index === 0 ? `  ${label}` : "", field]);
}

/** The fields of a record, a line each; those of a list of records on lines of their own. */
function fieldsOf(notation: string): string[] {
  const named = notation.replaceAll(algorithm.notation, "algorithm");
  const [before = "", items, after = ""] = named.split(/\{ (.+) \}/);
  if (items === undefined) return named.split("; ");
  const inside = items.split("; ").map((field) => `  ${field}`);
  const behind = after.split("; ").filter((field) => field !== "");
  return [...before.trimEnd().split("; "), ...inside, ...behind];
}
