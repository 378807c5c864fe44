/**
 * All commands of the executable: the server's, the administration's, the client's. The
 * first word picks one; its Spec reads the rest.
 */
import { FtpxError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import * as admin from "./admin.ts";
import * as approvals from "./approvals.ts";
import { helpOf, HelpWanted, parseWords } from "./args.ts";
import type { OptionSpecs, OptionsOf, Spec } from "./args.ts";
import { CHECK, check } from "./check.ts";
import { DRAIN, drain } from "./drain.ts";
import { KICK, kick } from "./kick.ts";
import { INVITE, invite } from "./inviting.ts";
import { REGISTER, register } from "./register.ts";
import { KEYGEN, keygen } from "./keygen.ts";
import { PASSWD_SPEC, runPasswd } from "./passwd.ts";
import { serve, SERVE_SPEC } from "./serve.ts";
import { exitStatusOf, showError, writeLine, writeNote } from "./terminal.ts";
import { VERSION_TEXT } from "./version.ts";
import { CLIENT_COMMANDS } from "./oneshot.ts";
import { USERS, users } from "./users.ts";
import { WHO, who } from "./who.ts";

/** One command; `run` answers the exit status. */
export interface ProgramCommand {
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

const GROUPS: readonly (readonly [title: string, commands: readonly ProgramCommand[]])[] = [
  ["The server", [bind(SERVE_SPEC, (_words, options) => serve(options))]],
  [
    "Files on a server",
    [
      ...CLIENT_COMMANDS.filter(({ spec }) => spec.name !== "passwd"),
      bind(REGISTER, register),
      bind(KEYGEN, keygen),
    ],
  ],
  [
    "Accounts of the data directory on this machine",
    [
      bind(admin.USERADD, admin.useradd),
      bind(admin.USERMOD, admin.usermod),
      bind(admin.USERDEL, admin.userdel),
      { spec: PASSWD_SPEC, run: runPasswd },
      bind(USERS, users),
      bind(approvals.PENDING, approvals.pending),
      bind(approvals.APPROVE, approvals.approve),
      bind(approvals.DENY, approvals.deny),
      bind(INVITE, invite),
      bind(WHO, who),
      bind(KICK, kick),
      bind(DRAIN, drain),
      bind(CHECK, check),
      bind(admin.FINGERPRINT, admin.fingerprint),
    ],
  ],
];

/** Runs one command line. @returns the exit status */
export async function main(words: readonly string[]): Promise<number> {
  try {
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
    writeNote(overview());
    return 64;
  }
  if (first === "--version" || first === "-V") {
    writeLine(`ftpx ${VERSION_TEXT}`);
    return 0;
  }
  if (first === "help" || first === "--help" || first === "-h") {
    writeLine(rest[0] === undefined ? overview() : asTyped(helpOf(findCommand(rest[0]).spec)));
    return 0;
  }
  return await findCommand(first).run(rest);
}

/** @throws FtpxError USAGE with the nearest name */
function findCommand(name: string): ProgramCommand {
  const commands = GROUPS.flatMap(([, group]) => group);
  const names = ({ spec }: ProgramCommand) => [spec.name, ...(spec.aliases ?? [])];
  // `who` is a command of the operator's here, and in the shell another name of whoami.
  const found =
    commands.find(({ spec }) => spec.name === name) ??
    commands.find((command) => names(command).includes(name));
  if (found !== undefined) return found;
  const near = nearest(name, commands.flatMap(names));
  const hint = near === undefined ? "see ftpx help" : `did you mean ${near}?`;
  throw new FtpxError("USAGE", { reason: `no command "${name}" (${hint})` });
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
