/**
 * Numbers as Prometheus reads them: its text format, version 0.0.4. Pure.
 *
 * A name says the unit, a counter ends in `_total`, and labels have a few known values: never
 * a user's name, which would be a series for each of them, and nobody's business.
 */

export interface Family {
  readonly name: `ftpx_${string}`;
  readonly type: "counter" | "gauge";
  /** One line. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function expose(families: readonly Family[]): string {
  return families.map(exposeFamily).join("");
}

/** Families without a sample are left out: nothing is known of them here. */
function exposeFamily({ name, type, help, samples }: Family): string {
  if (samples.length === 0) return "";
  const lines = samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
