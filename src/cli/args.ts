/**
 * Words on a command line → options, from a command's own table (only user of
 * commander).
 *
 * One Spec describes a command for the shell, for one-shot use and for `--help`. A
 * wrong option or a wrong number of words is USAGE, exit 64, with the nearest right one.
 */
import { Command, CommanderError, Option } from "commander";
import { FtpxError } from "../base/errors.ts";
import { plainWord } from "./words.ts";

interface OptionSpec {
  /** As commander reads them: "-r, --recursive", "--limit <rate>". */
  readonly flags: string;
  readonly about: string;
  /** Reads the value; throws FtpxError USAGE. Without it a value is text. */
  readonly parse?: (text: string) => unknown;
  /** An option that may be given several times collects its values. */
  readonly isList?: boolean;
}

/** Options that many commands share. */
export const DATA = {
  flags: "--data <dir>",
  about: "data directory (FTPX_DATA, or the current one)",
} as const;
export const JSON_LINES = { flags: "--json", about: "one JSON object a line" } as const;

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** A flag without a value is boolean; an option that is not given is undefined. */
export type OptionsOf<Specs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { isList: true }
    ? | readonly (Specs[Name] extends { parse: (text: string) => infer Value } ? Value : string)[]
      | undefined
    : Specs[Name] extends { parse: (text: string) => infer Value }
      ? Value | undefined
      : Specs[Name] extends { flags: `${string}<${string}` }
        ? string | undefined
        : true | undefined;
};

export interface Spec<Options extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line for the list of commands. */
  readonly about: string;
  /** The words behind the options, for people: "LOCAL… TARGET/[PATH]". */
  readonly usage: string;
  /** The fewest and the most words. */
  readonly words: readonly [min: number, max: number];
  readonly options: Options;
  readonly examples: readonly string[];
  /** What helps whoever knows other programs of that name, by an option that is none here. */
  readonly hints?: Readonly<Record<string, string>> | undefined;
}

export interface Parsed<Options extends OptionSpecs> {
  readonly words: readonly string[];
  readonly options: OptionsOf<Options>;
}

/** The text of `--help` was asked for; it is the answer, not a failure. */
export class HelpWanted extends Error {
  readonly text: string;

  constructor(text: string) {
    super("help");
    this.text = text;
  }
}

/** @throws FtpxError USAGE, HelpWanted */
export function parseWords<Options extends OptionSpecs>(
  spec: Spec<Options>,
  words: readonly string[],
): Parsed<Options> {
  const command = commandOf(spec);
  try {
    command.parse(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code.startsWith("commander.help")) throw new HelpWanted(helpOf(spec));
    const [, option = ""] = /^error: unknown option '([^']*)'/.exec(error.message) ?? [];
    const hint = spec.hints?.[option];
    throw new FtpxError("USAGE", { reason: reasonOf(error) }, { cause: error, hint });
  }
  const [min, max] = spec.words;
  const count = command.args.length;
  if (count < min || count > max) {
    const problem = count < min ? "something is missing" : "too many words";
    throw new FtpxError("USAGE", { reason: `${problem}: ${spec.name} ${spec.usage}` });
  }
  return { words: command.args, options: valuesOf(spec, command.opts()) };
}

/** Whether failures are to be told as JSON, a line of words that cannot be read among them. */
export function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return (end < 0 ? words : words.slice(0, end)).includes("--json");
}

export function helpOf(spec: Spec): string {
  const examples = spec.examples.map((example) => `  ${example}\n`).join("");
  const text = commandOf(spec).helpInformation();
  return examples === "" ? text : `${text}\nExamples:\n${examples}`;
}

/** The same for a script. */
export function specFacts(spec: Spec): Readonly<Record<string, unknown>> {
  const { name, aliases = [], about, usage, examples } = spec;
  const options = Object.values(spec.options).map(({ flags, about: does }) => ({
    flags,
    about: does,
  }));
  return { name, aliases, about, usage, options, examples };
}

function commandOf(spec: Spec): Command {
  const command = new Command(spec.name)
    .description(`${spec.about}.`)
    .usage(["[options]", spec.usage].join(" ").trim())
    .argument("[words...]")
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .helpOption("-h, --help", "this text")
    .configureHelp({ visibleArguments: () => [] });
  for (const { flags, about, isList, parse = String } of Object.values(spec.options)) {
    const option = new Option(flags, about);
    // Here, in the order of the command line: values of two options may have one between them.
    if (isList === true)
      option.argParser((value, all: unknown[] | undefined) => [
        ...(all ?? []),
        parse(plainWord(value)),
      ]);
    command.addOption(option);
  }
  return command;
}

function valuesOf<Options extends OptionSpecs>(
  spec: Spec<Options>,
  found: Record<string, unknown>,
): OptionsOf<Options> {
  const values: Record<string, unknown> = {};
  for (const [name, { flags, parse }] of Object.entries(spec.options)) {
    const option = new Option(flags);
    const stored = found[option.attributeName()];
    // commander keeps `--no-clobber` as `clobber`, true unless it was given.
    const value = option.negate ? stored === false || undefined : stored;
    const plain = typeof value === "string" ? plainWord(value) : value;
    values[name] = parse !== undefined && typeof plain === "string" ? parse(plain) : plain;
  }
  return values as OptionsOf<Options>;
}

/** "error: unknown option '--limt'\n(Did you mean --limit?)" as one line in our manner. */
function reasonOf(error: CommanderError): string {
  return error.message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .replace("(Did you mean", "(did you mean");
}
