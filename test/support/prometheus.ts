/**
 * Reads Prometheus's text format 0.0.4 as strictly as its specification has it, and the naming
 * that goes with it: whatever is not as it should be throws.
 */

export interface Exposed {
  readonly type: string;
  /** By their labels as they are written, sorted; "" for none. */
  readonly samples: ReadonlyMap<string, number>;
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\\n]|\\\\|\\n)+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;

/** By name. Each family is HELP, TYPE and its samples, once. */
export function readExposition(text: string): ReadonlyMap<string, Exposed> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Exposed>();
  let current = "";
  let helped = "";
  let samples = new Map<string, number>();
  for (const line of text.slice(0, -1).split("\n")) {
    const [, help] = HELP.exec(line) ?? [];
    const [, typed, type = ""] = TYPE.exec(line) ?? [];
    const [, name, labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    if (help !== undefined) {
      if (families.has(help)) throw new Error(`${help} comes twice`);
      helped = help;
    } else if (typed !== undefined) {
      if (typed !== helped) throw new Error(`${typed} has no HELP in front of its TYPE`);
      if ((type === "counter") !== typed.endsWith("_total")) throw new Error(`${typed}: ${type}`);
      current = typed;
      samples = new Map();
      families.set(typed, { type, samples });
    } else if (name !== undefined) {
      if (name !== current) throw new Error(`${name} is not below its TYPE`);
      const key = readLabels(labels);
      if (samples.has(key)) throw new Error(`${name}{${key}} comes twice`);
      samples.set(key, Number(value));
    } else throw new Error(`not a line of the format: ${JSON.stringify(line)}`);
  }
  const empty = [...families].filter(([, family]) => family.samples.size === 0);
  if (empty.length > 0) throw new Error(`no samples: ${empty.map(([name]) => name).join()}`);
  return families;
}

function readLabels(text: string): string {
  const labels: string[] = [];
  for (let rest = text; rest !== "";) {
    const match = LABEL.exec(rest);
    if (match === null) throw new Error(`not a label: ${rest}`);
    labels.push(`${match[1]}="${match[2]}"`);
    rest = rest.slice(match[0].length);
  }
  const names = labels.map((label) => label.split("=", 1)[0]);
  if (new Set(names).size < names.length) throw new Error(`a label twice: ${text}`);
  return labels.toSorted().join(",");
}
