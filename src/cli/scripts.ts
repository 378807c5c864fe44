/**
 * Completion scripts for bash, zsh and fish, written from the tables that commands are read
 * by: one description of what can stand where, and three writers of it.
 *
 * What a word may be is told by the usage line and by the names of values in options, so a
 * new command is completed without a word here. A script asks ftpx for what only it
 * knows, bookmarks and users; nothing in it asks a server.
 */
import { ACCESS_LEVELS } from "../accounts/grants.ts";
import { ALGORITHMS } from "../base/digest.ts";
import { FtpxError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Spec } from "./args.ts";
import { quoteWord } from "./words.ts";

/** What a script can offer at a place. */
type Sort = "targets" | "files" | "folders" | "users" | "bookmarks" | "commands";

interface Offered {
  readonly sorts: readonly Sort[];
  readonly choices: readonly string[];
}

interface Flag {
  readonly short: string | undefined;
  readonly long: string;
  readonly about: string;
  /** Nothing for a flag without a value. */
  readonly value: Offered | undefined;
}

interface Entry {
  readonly names: readonly string[];
  readonly about: string;
  readonly flags: readonly Flag[];
  readonly words: Offered;
}

const NOTHING: Offered = { sorts: [], choices: [] };

/** By the name of a value in an option: `--digest <algorithm>`. */
const VALUES: Readonly<Record<string, Offered>> = {
  algorithm: { sorts: [], choices: Object.keys(ALGORITHMS) },
  level: { sorts: [], choices: ACCESS_LEVELS },
  dir: { sorts: ["folders"], choices: [] },
  file: { sorts: ["files"], choices: [] },
};

export const SHELLS = ["bash", "zsh", "fish"] as const;

/** @throws FtpxError USAGE for another shell */
export function completionScript(shell: string, specs: readonly Spec[]): string {
  const writers = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
  const entries = [...specs.map(entryOf), HELP_ENTRY];
  const known = SHELLS.find((name) => name === shell);
  if (known !== undefined) return writers[known](entries);
  const near = nearest(shell, SHELLS);
  const hint = near === undefined ? SHELLS.join(", ") : `did you mean ${near}?`;
  throw new FtpxError("USAGE", { reason: `no completion for "${shell}" (${hint})` });
}

const HELP_ENTRY: Entry = {
  names: ["help"],
  about: "Tells more about a command",
  flags: [],
  words: { sorts: ["commands"], choices: [] },
};

function entryOf({ name, aliases = [], about, options, usage }: Spec): Entry {
  const flags = Object.values(options).map((option) => flagOf(option.flags, option.about));
  const help = { short: "-h", long: "--help", about: "this text", value: undefined };
  const hasData = flags.some(({ long }) => long === "--data");
  return {
    names: [name, ...aliases],
    about,
    flags: [...flags, help],
    words: wordsOf(usage, hasData),
  };
}

/** `-l, --long`, `--digest <algorithm>`. */
function flagOf(flags: string, about: string): Flag {
  const [long = flags] = /--[\w-]+/.exec(flags) ?? [];
  const short = /^-\w/.exec(flags)?.[0];
  const value = /[<[](.+)[>\]]/.exec(flags)?.[1];
  return {
    short,
    long,
    about,
    value: value === undefined ? undefined : (VALUES[value] ?? NOTHING),
  };
}

/** Words in capitals are to be replaced, others are typed as they stand. */
function wordsOf(usage: string, hasData: boolean): Offered {
  const choices = usage.match(/\b[a-z]{2,}\b/g) ?? [];
  if (usage.includes("NAME")) return { sorts: [hasData ? "users" : "bookmarks"], choices };
  const sorts: Sort[] = [];
  // What stands behind a target is on its server.
  const here = usage.replaceAll(/TARGET\S*/g, "");
  if (/TARGET/.test(usage) || /SOURCE|DEST/.test(here)) sorts.push("targets");
  if (/LOCAL|FILE|DIR|SOURCE|DEST/.test(here)) sorts.push("files");
  if (usage.includes("COMMAND")) sorts.push("commands");
  return { sorts, choices };
}

function quoted(text: string): string {
  return quoteWord(text, "'");
}

function namesOf(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ names }) => names);
}

function bashScript(entries: readonly Entry[]): string {
  const cases = entries.map(({ names, flags, words }) => {
    const all = flags.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long]));
    const valued = flags.filter(({ value }) => value !== undefined).map(({ long }) => long);
    const own = `options=${quoted(all.join(" "))} valued=${quoted(valued.join(" "))}`;
    return `    ${names.join("|")}) ${own} ${bashOffered(words)} ;;`;
  });
  const values = distinctFlags(entries).map(
    ({ long, value }) => `      ${long}) ${bashOffered(value ?? NOTHING)} ;;`,
  );
  return BASH.replace("%COMMANDS%", () => quoted(namesOf(entries).join(" ")))
    .replace("%CASES%", () => cases.join("\n"))
    .replace("%VALUES%", () => values.join("\n"));
}

function bashOffered({ sorts, choices }: Offered): string {
  return `sorts=${quoted(sorts.join(" "))} choices=${quoted(choices.join(" "))}`;
}

/** Flags that take a value somewhere, each once: wherever it takes one it takes the same. */
function distinctFlags(entries: readonly Entry[]): Flag[] {
  const valued = entries.flatMap(({ flags }) => flags.filter(({ value }) => value !== undefined));
  return [...new Map(valued.map((flag) => [flag.long, flag])).values()];
}

const BASH = String.raw`# Completion of ftpx for bash: eval "$(ftpx completion bash)"

_ftpx_offer() {
  local sort line
  for sort in $1; do
    case $sort in
      files) compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$3") ;;
      folders) compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$3") ;;
      targets) while read -r line _; do
          if [[ $line: == "$3"* ]]; then COMPREPLY+=("$line:"); compopt -o nospace 2>/dev/null; fi
        done < <(ftpx bookmark list 2>/dev/null) ;;
      bookmarks) while read -r line _; do
          if [[ $line == "$3"* ]]; then COMPREPLY+=("$line"); fi
        done < <(ftpx bookmark list 2>/dev/null) ;;
      users) while read -r line _; do
          if [[ $line != USER && $line == "$3"* ]]; then COMPREPLY+=("$line"); fi
        done < <(ftpx users $4 2>/dev/null) ;;
      commands) COMPREPLY+=($(compgen -W "$_ftpx_commands" -- "$3")) ;;
    esac
  done
  if [[ -n $2 ]]; then COMPREPLY+=($(compgen -W "$2" -- "$3")); fi
}

_ftpx_commands=%COMMANDS%

_ftpx() {
  local word=${"${COMP_WORDS[COMP_CWORD]}"} before=${"${COMP_WORDS[COMP_CWORD-1]}"} command=${"${COMP_WORDS[1]}"}
  local options= valued= sorts= choices= data= index
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "$_ftpx_commands --help --version" -- "$word"))
    return
  fi
  case $command in
%CASES%
    *) return ;;
  esac
  if [[ " $valued " == *" $before "* ]]; then
    case $before in
%VALUES%
    esac
    _ftpx_offer "$sorts" "$choices" "$word"
    return
  fi
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
    return
  fi
  for (( index = 2; index < COMP_CWORD; index++ )); do
    if [[ ${"${COMP_WORDS[index]}"} == --data ]]; then data="--data ${"${COMP_WORDS[index+1]}"}"; fi
  done
  _ftpx_offer "$sorts" "$choices" "$word" "$data"
}

complete -F _ftpx ftpx`;

function zshScript(entries: readonly Entry[]): string {
  const commands = entries.flatMap(({ names, about }) =>
    names.map((name) => `    ${quoted(`${name}:${about.replaceAll(":", "\\:")}`)}`),
  );
  const cases = entries.map(({ names, flags, words }) => {
    const specs = [...flags.map(zshFlag), quoted(`*:word:${zshAction(words)}`)];
    return `    ${names.join("|")}) _arguments -s ${specs.join(" \\\n      ")} ;;`;
  });
  return ZSH.replace("%COMMANDS%", () => commands.join("\n")).replace("%CASES%", () =>
    cases.join("\n"),
  );
}

function zshFlag({ short, long, about, value }: Flag): string {
  const text = `[${about.replaceAll(/[[\]:\\]/g, String.raw`\$&`)}]`;
  const taken = value === undefined ? "" : `:value:${zshAction(value)}`;
  if (short === undefined) return quoted(`${long}${text}${taken}`);
  return `${quoted(`(${short} ${long})`)}{${short},${long}}${quoted(`${text}${taken}`)}`;
}

/** Several sorts are tried together by one function, which gets their names. */
function zshAction({ sorts, choices }: Offered): string {
  if (sorts.length === 0 && choices.length === 0) return " ";
  if (sorts.length === 0) return `(${choices.join(" ")})`;
  return `_ftpx_offer ${[...sorts, ...choices.map((choice) => `@${choice}`)].join(" ")}`;
}

const ZSH = String.raw`#compdef ftpx
# Completion of ftpx for zsh: a file _ftpx in a folder of $fpath, or eval "$(ftpx completion zsh)"

_ftpx_offer() {
  local sort
  local -a found
  # _arguments puts options for compadd in front.
  for sort in "$@"; do
    case $sort in
      files) _files ;;
      folders) _files -/ ;;
      targets) found=(${"${(f)"}"$(ftpx bookmark list 2>/dev/null)"}); compadd -S : -- ${"${found%% *}"} ;;
      bookmarks) found=(${"${(f)"}"$(ftpx bookmark list 2>/dev/null)"}); compadd -- ${"${found%% *}"} ;;
      users) found=(${"${(f)"}"$(ftpx users 2>/dev/null)"}); compadd -- ${"${${found[2,-1]}%% *}"} ;;
      commands) compadd -- ${"${_ftpx_commands%%:*}"} ;;
      @*) compadd -- ${"${sort#@}"} ;;
    esac
  done
}

_ftpx() {
  local -a _ftpx_commands
  _ftpx_commands=(
%COMMANDS%
  )
  if (( CURRENT == 2 )); then
    _describe command _ftpx_commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
%CASES%
  esac
}

if [[ $funcstack[1] == _ftpx ]]; then _ftpx "$@"; else compdef _ftpx ftpx; fi`;

function fishScript(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ names, about, flags, words }) => {
    const seen = `-n ${fishQuoted(`__fish_seen_subcommand_from ${names.join(" ")}`)}`;
    const first = names.map(
      (name) => `complete -c ftpx -n __fish_use_subcommand -a ${name} -d ${fishQuoted(about)}`,
    );
    const further = flags.map((flag) => `complete -c ftpx ${seen} ${fishFlag(flag)}`);
    const offers = fishOffers(words).map((offer) => `complete -c ftpx ${seen} ${offer}`);
    return [...first, ...further, ...offers];
  });
  const all = `function __ftpx_commands; printf '%s\n' ${namesOf(entries).join(" ")}; end`;
  return `${FISH}\n${all}\n${lines.join("\n")}`;
}

function fishFlag({ short, long, about, value }: Flag): string {
  const name =
    short === undefined ? `-l ${long.slice(2)}` : `-s ${short.slice(1)} -l ${long.slice(2)}`;
  const text = `${name} -d ${fishQuoted(about)}`;
  if (value === undefined) return text;
  const offers = fishOffers(value);
  return offers.length === 0 ? `${text} -x` : `${text} -r ${offers.join(" ")}`;
}

function fishOffers({ sorts, choices }: Offered): string[] {
  const offers = sorts.map((sort) => {
    if (sort === "files") return "-F";
    return sort === "folders" ? "-f -a '(__fish_complete_directories)'" : `-a '(__ftpx_${sort})'`;
  });
  return choices.length === 0 ? offers : [...offers, `-a ${fishQuoted(choices.join(" "))}`];
}

/** In fish's single quotes only these two are special. */
function fishQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, String.raw`\$&`)}'`;
}

const FISH = String.raw`# Completion of ftpx for fish: ftpx completion fish > ~/.config/fish/completions/ftpx.fish
complete -c ftpx -f
function __ftpx_bookmarks; ftpx bookmark list 2>/dev/null | string replace -r ' .*' ''; end
function __ftpx_targets; ftpx bookmark list 2>/dev/null | string replace -r ' .*' ':'; end
function __ftpx_users; ftpx users 2>/dev/null | tail -n +2 | string replace -r ' .*' ''; end`;
