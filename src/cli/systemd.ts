/**
 * The unit by which systemd runs the server, with all taken away that a server of files does
 * without: what it may write is its data directory.
 *
 * The user is a named one and no DynamicUser: the data directory is made for people to read,
 * edit and back up, so its owner must stay the same and may be somewhere in /srv.
 * MemoryDenyWriteExecute stays off, because the engine makes machine code while it runs.
 */
import { FtpxError } from "../base/errors.ts";
import { RESERVED_DESCRIPTORS, SESSIONS_MAX } from "../base/limits.ts";
import { TAKING_OVER_NAMES } from "./environment.ts";

/** How the first line of what was made here begins: nothing else is replaced or removed. */
export const MADE_BY_US = "# Made by `ftpx service install`";

export interface Unit {
  /** Of the unit, without `.service`. */
  readonly name: string;
  readonly executable: string;
  readonly data: string;
  /** What `serve` is told besides the data directory. */
  readonly words: readonly string[];
  readonly port: number;
  readonly graceMs: number;
  readonly sessionsMax: number | undefined;
  /** Nobody for a unit of a user's own. */
  readonly user: string | undefined;
}

/** The loader's, which takes any program over, and what the runtime obeys. */
const UNSET = ["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", ...TAKING_OVER_NAMES];

/** Ports below are given to those who may. */
const FREE_PORT_MIN = 1024;

/** The time after the grace for what is left, and for whoever is slow. */
const STOP_SECONDS = 15;

/** More than a server of that size uses, which costs nothing. */
const DESCRIPTORS_MIN_ADVISED = 65_536;

/** What every system is told to start. */
export function commandOf({ executable, data, words }: Unit): string[] {
  return [executable, "serve", "--data", data, ...words];
}

/** How long a server may take to stop. */
export function stopSecondsOf({ graceMs }: Unit): number {
  return Math.ceil(graceMs / 1000) + STOP_SECONDS;
}

/** How many files and connections it may have open. */
export function descriptorsOf({ sessionsMax = SESSIONS_MAX }: Unit): number {
  return Math.max(DESCRIPTORS_MIN_ADVISED, 4 * (sessionsMax + RESERVED_DESCRIPTORS));
}

/** Trying again does not mend a wrong option, a missing right or a wrong configuration. */
const LASTING = "64 77 78";

/** @throws FtpxError USAGE for a path that no unit can name */
export function unitText(unit: Unit): string {
  if (/["'\\]/.test(unit.executable)) {
    throw new FtpxError("USAGE", { reason: "systemd starts no program with a quote in its path" });
  }
  const isOwn = unit.user === undefined;
  const sections = [
    [`${MADE_BY_US}, which replaces it; add to it with: systemctl edit ${unit.name}`],
    [
      "[Unit]",
      "Description=ftpx file transfer server",
      ...(isOwn ? [] : ["Wants=network-online.target", "After=network-online.target"]),
    ],
    ["[Service]", ...running(unit)],
    ["# What it may not do", ...EVERYWHERE, ...(isOwn ? [] : confinement(unit))],
    ["[Install]", `WantedBy=${isOwn ? "default" : "multi-user"}.target`],
  ];
  return sections.map((lines) => `${lines.join("\n")}\n`).join("\n");
}

/** How systemd makes the user, where there is none of that name. */
export function usersText(user: string): string {
  return `${MADE_BY_US}\nu ${user} - "ftpx server"\n`;
}

function running(unit: Unit): string[] {
  const { user } = unit;
  return [
    "Type=exec",
    // The colon: a dollar sign in a path is one.
    `ExecStart=:${commandOf(unit).map(quoted).join(" ")}`,
    "ExecReload=/bin/kill -HUP $MAINPID",
    ...(user === undefined ? [] : [`User=${user}`]),
    "Restart=on-failure",
    "RestartSec=2",
    `RestartPreventExitStatus=${LASTING}`,
    `TimeoutStopSec=${stopSecondsOf(unit)}`,
    `LimitNOFILE=${descriptorsOf(unit)}`,
    "LimitCORE=0",
    "UMask=0077",
    `UnsetEnvironment=${UNSET.join(" ")}`,
  ];
}

/** What needs no rights to be taken away. */
const EVERYWHERE = [
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RestrictNamespaces=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service seccomp",
  "SystemCallFilter=~@privileged @resources @keyring",
  "SystemCallErrorNumber=EPERM",
];

const ALONE = [
  "ProtectSystem=strict",
  "PrivateTmp=yes",
  "PrivateDevices=yes",
  "PrivateMounts=yes",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectProc=invisible",
  "ProcSubset=pid",
  "RemoveIPC=yes",
];

function confinement({ data, executable, port }: Unit): string[] {
  const isLow = port > 0 && port < FREE_PORT_MIN;
  const isHome = [data, executable].some(isInHome);
  return [
    ...ALONE,
    `ReadWritePaths=${quoted(data)}`,
    `ProtectHome=${isHome ? "read-only" : "yes"}`,
    // In a user namespace of its own a right to low ports would be good for nothing.
    ...(isLow
      ? ["CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "AmbientCapabilities=CAP_NET_BIND_SERVICE"]
      : ["CapabilityBoundingSet=", "PrivateUsers=yes"]),
  ];
}

/** Where other people's things are. */
export function isInHome(path: string): boolean {
  return /^\/(?:home|root|run\/user)(?:\/|$)/.test(path);
}

/** One word of a line that systemd cuts into words: quotes, backslashes, and `%` doubled. */
function quoted(word: string): string {
  if (/\p{Cc}/u.test(word)) {
    throw new FtpxError("USAGE", {
      reason: "a unit cannot name what has control characters in it",
    });
  }
  const escaped = word.replaceAll("%", "%%").replaceAll(/["\\]/g, String.raw`\$&`);
  return /^[\w@%+=:,./-]+$/.test(word) ? escaped : `"${escaped}"`;
}
