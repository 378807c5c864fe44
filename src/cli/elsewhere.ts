/**
 * The server at the start of systems without systemd: a property list for macOS's launchd, and
 * a scheduled task for Windows, where a service would have to speak to the service manager.
 * They are printed, with where they belong; putting them there is the operator's.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { commandOf, descriptorsOf, stopSecondsOf } from "./systemd.ts";
import type { Unit } from "./systemd.ts";

/** As launchd has it: decimal. */
const UMASK = 0o077;

export function launchdText(unit: Unit): string {
  const words = commandOf(unit);
  const files = descriptorsOf(unit);
  const label = labelOf(unit);
  const facts = [
    ["Label", string(label)],
    [
      "ProgramArguments",
      `<array>${words.map((word) => `\n    ${string(word)}`).join("")}\n  </array>`,
    ],
    ...(unit.user === undefined ? [] : [["UserName", string(unit.user)] as const]),
    ["RunAtLoad", "<true/>"],
    ["KeepAlive", "<dict><key>SuccessfulExit</key><false/></dict>"],
    ["ExitTimeOut", integer(stopSecondsOf(unit))],
    ["Umask", integer(UMASK)],
    ["SoftResourceLimits", limits(files)],
    ["HardResourceLimits", limits(files)],
    ["StandardOutPath", string(logOf(unit, label))],
    ["StandardErrorPath", string(logOf(unit, label))],
  ] as const;
  const lines = facts.map(([key, value]) => `  <key>${key}</key>\n  ${value}\n`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
${lines.join("")}</dict>
</plist>
`;
}

/** For a PowerShell of an administrator. */
export function windowsText(unit: Unit): string {
  const [executable = "", ...words] = commandOf(unit);
  const line = words.map(windowsWord).join(" ");
  return [
    `$action = New-ScheduledTaskAction -Execute ${powershell(executable)} -Argument ${powershell(line)}`,
    "$trigger = New-ScheduledTaskTrigger -AtStartup",
    "$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit 0 -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1)",
    `$who = New-ScheduledTaskPrincipal -UserId ${powershell(unit.user ?? "LOCAL SERVICE")} -LogonType ServiceAccount`,
    `icacls ${powershell(unit.data)} /inheritance:r /grant:r ${powershell(`${unit.user ?? "LOCAL SERVICE"}:(OI)(CI)F`)} 'Administrators:(OI)(CI)F'`,
    `Register-ScheduledTask -TaskName ${powershell(unit.name)} -Action $action -Trigger $trigger -Settings $settings -Principal $who`,
    `Start-ScheduledTask -TaskName ${powershell(unit.name)}`,
    "",
  ].join("\n");
}

/** What to do with what was printed. */
export function launchdSteps(unit: Unit): string[] {
  const label = labelOf(unit);
  const isOwn = unit.user === undefined;
  const folder = isOwn ? join(homedir(), "Library/LaunchAgents") : "/Library/LaunchDaemons";
  const file = join(folder, `${label}.plist`);
  const domain = isOwn ? "gui/$(id -u)" : "system";
  const sudo = isOwn ? "" : "sudo ";
  return [
    `ftpx service print … | ${sudo}tee '${file}'`,
    `${sudo}launchctl bootstrap ${domain} '${file}'`,
  ];
}

function labelOf({ name }: Unit): string {
  return name === "ftpx" ? "server.ftpx" : `server.ftpx.${name}`;
}

function logOf({ user }: Unit, label: string): string {
  return user === undefined
    ? join(homedir(), "Library/Logs", `${label}.log`)
    : `/var/log/${label}.log`;
}

function limits(files: number): string {
  return `<dict><key>Core</key>${integer(0)}<key>NumberOfFiles</key>${integer(files)}</dict>`;
}

function string(text: string): string {
  return `<string>${Bun.escapeHTML(text)}</string>`;
}

function integer(value: number): string {
  return `<integer>${value}</integer>`;
}

/** Nothing in it is read by PowerShell. */
function powershell(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A word as CommandLineToArgvW reads it. */
function windowsWord(word: string): string {
  if (/^[^\s"]+$/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, String.raw`$1$1\"`).replace(/(\\+)$/, "$1$1")}"`;
}
