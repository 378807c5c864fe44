/**
 * All commands of the executable: the server's, the administration's, the client's. The
 * first word picks one; its Spec reads the rest.
 */
import { FtpxError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { UPLOADS, uploads } from "./abandoned.ts";
import * as admin from "./admin.ts";
import * as approvals from "./approvals.ts";
import { helpOf, HelpWanted, JSON_LINES, parseWords, specFacts, wantsJson } from "./args.ts";
import type { DATA, OptionSpecs, OptionsOf, Spec } from "./args.ts";
import { BOOKMARK, bookmark } from "./bookmark.ts";
import { guardMemory } from "./confinement.ts";
import { demandOwnRuntime } from "./environment.ts";
import { endWithTerminal } from "./hangup.ts";
import { CHECK, check } from "./check.ts";
import { tellingAccounts } from "./chronicle.ts";
import { openArrivalMenu, openMainMenu } from "./menu.ts";
import { completionScript, SHELLS } from "./scripts.ts";
import { SERVICE, service } from "./daemon.ts";
import { DOCTOR, doctor } from "./doctor.ts";
import { DRAIN, drain } from "./drain.ts";
import { KICK, kick } from "./kick.ts";
import { INVITE, invite } from "./inviting.ts";
import { placeOf } from "./place.ts";
import { REGISTER, register } from "./register.ts";
import { KEYGEN, keygen } from "./keygen.ts";
import { keepingOwner } from "./ownership.ts";
import { PASSWD_SPEC, runPasswd } from "./passwd.ts";
import { serve, SERVE_SPEC } from "./serve.ts";
import { FINGERPRINT, fingerprint } from "./serverkey.ts";
import { CONNECT_SPEC, runShell } from "./shell.ts";
import { exitStatusOf } from "./status.ts";
import { canAsk, writeJson, writeLine, writeNote } from "./terminal.ts";
import { beginTelling, showError } from "./trouble.ts";
import { VERSION_TEXT } from "./version.ts";
import { CLIENT_COMMANDS } from "./oneshot.ts";
import { USERS, users } from "./users.ts";
import { WHO, who } from "./who.ts";

/** One command; `run` answers the exit status. */
interface ProgramCommand {
  readonly spec: Spec;
  run(words: readonly string[]): Promise<number>;
}

function bind<Options extends OptionSpecs>(
  spec: Spec<Options>,
  work: (words: readonly string[], options: OptionsOf<Options>) => Promise<number | void>,
): ProgramCommand {
  return {
    spec,
    run: async (words) => {
      const parsed = parseWords(spec, words);
      return (await work(parsed.words, parsed.options)) ?? 0;
    },
  };
}

/** A command that works on the data directory. */
function bindOperator<Options extends OptionSpecs & { readonly data: typeof DATA }>(
  spec: Spec<Options>,
  work: (words: readonly string[], options: OptionsOf<Options>) => Promise<number | void>,
): ProgramCommand {
  return bind(spec, (words, options) => {
    const { data } = options as { readonly data: string | undefined };
    return keepingOwner(placeOf(data), () => work(words, options));
  });
}

/** One that may also change accounts. */
function bindAccounts<Options extends OptionSpecs & { readonly data: typeof DATA }>(
  spec: Spec<Options>,
  work: (words: readonly string[], options: OptionsOf<Options>) => Promise<number | void>,
): ProgramCommand {
  return bindOperator(spec, (words, options) => {
    const { data } = options as { readonly data: string | undefined };
    return tellingAccounts(placeOf(data), () => work(words, options));
  });
}

const COMPLETION = {
  name: "completion",
  about: "Writes what completes the words of ftpx in your shell",
  usage: SHELLS.join("|"),
  words: [1, 1],
  options: { json: JSON_LINES },
  examples: [
    'eval "$(ftpx completion bash)"',
    "ftpx completion fish > ~/.config/fish/completions/ftpx.fish",
  ],
} as const satisfies Spec;

async function writeCompletion(
  [shell = ""]: readonly string[],
  { json }: OptionsOf<(typeof COMPLETION)["options"]>,
): Promise<void> {
  const specs = GROUPS.flatMap(([, group]) => group.map(({ spec }) => spec));
  const script = completionScript(shell, specs);
  if (json === true) writeJson({ shell, script });
  else writeLine(script);
}

const GROUPS: readonly (readonly [title: string, commands: readonly ProgramCommand[]])[] = [
  ["The server", [bind(SERVE_SPEC, (_words, options) => serve(options)), bind(SERVICE, service)]],
  [
    "Files on a server",
    [
      { spec: CONNECT_SPEC, run: connect },
      ...CLIENT_COMMANDS.filter(({ spec }) => spec.name !== "passwd"),
      bind(REGISTER, register),
      bind(KEYGEN, keygen),
    ],
  ],
  [
    "This machine",
    [bind(BOOKMARK, bookmark), bind(COMPLETION, writeCompletion), bindOperator(DOCTOR, doctor)],
  ],
  [
    "Accounts of the data directory on this machine",
    [
      bindAccounts(admin.USERADD, admin.useradd),
      bindAccounts(admin.USERMOD, admin.usermod),
      bindAccounts(admin.USERDEL, admin.userdel),
      { spec: PASSWD_SPEC, run: runPasswd },
      bindOperator(USERS, users),
      bindOperator(approvals.PENDING, approvals.pending),
      bindAccounts(approvals.APPROVE, approvals.approve),
      bindOperator(approvals.DENY, approvals.deny),
      bindOperator(INVITE, invite),
      bindOperator(WHO, who),
      bindOperator(KICK, kick),
      bindOperator(UPLOADS, uploads),
      bindOperator(DRAIN, drain),
      bindOperator(CHECK, check),
      bindOperator(FINGERPRINT, fingerprint),
    ],
  ],
];

/** Runs one command line. @returns the exit status */
export async function main(words: readonly string[]): Promise<number> {
  beginTelling(wantsJson(words));
  try {
    demandOwnRuntime();
    guardMemory();
    // A server has more to do than to ask.
    if (words[0] !== SERVE_SPEC.name) endWithTerminal();
    return await run(words);
  } catch (error) {
    if (error instanceof HelpWanted) {
      writeLine(asTyped(error.text));
      return 0;
    }
    showError(error);
    return exitStatusOf(error);
  }
}

async function run([first, ...rest]: readonly string[]): Promise<number> {
  if (first === undefined) {
    if (canAsk()) return await openMainMenu(run);
    writeNote(overview());
    return 64;
  }
  const isJson = wantsJson(rest);
  if (first === "--version" || first === "-V") {
    if (isJson) writeJson({ version: VERSION_TEXT });
    else writeLine(`ftpx ${VERSION_TEXT}`);
    return 0;
  }
  if (first === "help" || first === "--help" || first === "-h") {
    writeHelp(
      rest.filter((word) => word !== "--json"),
      isJson,
    );
    return 0;
  }
  return await findCommand(first).run(rest);
}

/** Who comes without a name, in a terminal, chooses first what they want. */
async function connect(words: readonly string[]): Promise<number> {
  const { words: given, options } = parseWords(CONNECT_SPEC, words);
  const isMenu = canAsk() && options.passwordStdin !== true;
  const { plain, acceptNew } = options;
  const flags = [
    ...(plain === true ? ["--plain"] : []),
    ...(acceptNew === true ? ["--accept-new"] : []),
  ];
  const shell = (target: string | undefined) => runShell(target, options);
  if (!isMenu) return await shell(given[0]);
  return await openArrivalMenu(given[0], flags, { launch: run, shell });
}

/** @throws FtpxError USAGE for a command that there is not */
function writeHelp(names: readonly string[], isJson: boolean): void {
  const all = GROUPS.flatMap(([, group]) => group);
  const found = names.length === 0 ? all : names.map(findCommand);
  if (isJson) for (const { spec } of found) writeJson(specFacts(spec));
  else if (names.length === 0) writeLine(overview());
  else writeLine(found.map(({ spec }) => asTyped(helpOf(spec))).join("\n\n"));
}

/** @throws FtpxError USAGE with the nearest name */
function findCommand(name: string): ProgramCommand {
  const found = commandNamed(name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    GROUPS.flatMap(([, group]) => group.flatMap(namesOf)),
  );
  const hint = near === undefined ? "see ftpx help" : `did you mean ${near}?`;
  throw new FtpxError("USAGE", { reason: `no command "${name}" (${hint})` });
}

function commandNamed(name: string): ProgramCommand | undefined {
  const commands = GROUPS.flatMap(([, group]) => group);
  // `who` is a command of the operator's here, and in the shell another name of whoami.
  return (
    commands.find(({ spec }) => spec.name === name) ??
    commands.find((command) => namesOf(command).includes(name))
  );
}

function namesOf({ spec }: ProgramCommand): string[] {
  return [spec.name, ...(spec.aliases ?? [])];
}

/** In the shell a verb is typed as it is; here the program's name stands in front of it. */
function asTyped(help: string): string {
  return help.replace(/^Usage: /, "Usage: ftpx ").trimEnd();
}

function overview(): string {
  const lines = ["ftpx: multi-user file transfer, server and client in one executable", ""];
  for (const [title, commands] of GROUPS) {
    lines.push(`${title}:`);
    for (const { spec } of commands) lines.push(`  ${spec.name.padEnd(12)} ${spec.about}`);
    lines.push("");
  }
  lines.push("ftpx help COMMAND tells more about one of them; ftpx --version says which this is.");
  return lines.join("\n");
}
