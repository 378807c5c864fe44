/**
 * OpenSSH: sshd on a port and with keys of its own, and what runs over it: sftp, with the cipher
 * that both sides choose or with a named one, and rsync.
 */
import { chmod, mkdir } from "node:fs/promises";
import { run } from "../errand.ts";
import type { Errand } from "../errand.ts";
import type { Ground } from "../ground.ts";
import { freePort, listening } from "../place.ts";
import type { Place } from "../place.ts";
import type { Peer, Standing } from "./peer.ts";
import { missingTool, programOf } from "./peer.ts";

interface SshServer {
  readonly port: number;
  readonly pid: number;
  readonly home: string;
  readonly user: string;
}

export async function sshdWords(ground: Ground, place: Place, port: number): Promise<string[]> {
  const [host, user] = [await ground.key("host"), await ground.key("user")];
  const config = ground.path(`sshd-${port}`);
  await mkdir("/run/sshd", { recursive: true }).catch(() => {});
  const lines = [
    `Port ${port}`,
    `ListenAddress ${place.host}`,
    `HostKey ${host}`,
    `AuthorizedKeysFile ${user}.pub`,
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "PermitRootLogin prohibit-password",
    // Else a crowd of sign-ins is turned away by chance.
    "MaxStartups 200",
    "Subsystem sftp internal-sftp",
  ];
  await Bun.write(config, `${lines.join("\n")}\n`);
  await chmod(`${user}.pub`, 0o644);
  return [...place.atServer, programOf("sshd") ?? "", "-D", "-f", config];
}

async function startSshd(ground: Ground, place: Place): Promise<SshServer> {
  const [port, home] = [await freePort(place), await ground.peersHome()];
  const words = await sshdWords(ground, place, port);
  const child = ground.start(words);
  await listening(place, port, child);
  return { port, pid: child.pid, home, user: (await run(["id", "-un"])).trim() };
}

async function sharedSshd(ground: Ground, place: Place): Promise<SshServer> {
  return await ground.once(`sshd ${place.name}`, async () => await startSshd(ground, place));
}

/** Nobody's own settings, agents or known hosts. */
function optionsOf(ground: Ground): string[] {
  const options = [
    "UserKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=no",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "LogLevel=ERROR",
  ];
  return ["-F", "none", "-i", ground.path("user"), ...options.flatMap((option) => ["-o", option])];
}

/** Runs a command there. */
export async function sshErrand(ground: Ground, place: Place, command: string): Promise<Errand> {
  const { port, user } = await sharedSshd(ground, place);
  const words = ["-p", String(port), ...optionsOf(ground), `${user}@${place.host}`, command];
  return { words: [...place.atClient, "ssh", ...words] };
}

/** @param isSynced waits for the disk after each file, as ftpx does */
export function sftp(cipher?: string, isSynced = false): Peer {
  const kind = isSynced ? "sftp -f" : "sftp";
  const name = cipher === undefined ? kind : `${kind} ${cipher.replace(/@.*/, "")}`;
  return {
    name,
    whyMissing: () => missingTool("sshd", "sftp", "ssh-keygen"),
    stand: async (ground, place): Promise<Standing> => {
      const { port, pid, home, user } = await sharedSshd(ground, place);
      const ciphers = cipher === undefined ? [] : ["-c", cipher];
      const words = [
        ...place.atClient,
        "sftp",
        "-q",
        ...(isSynced ? ["-f"] : []),
        ...ciphers,
        ...optionsOf(ground),
        "-P",
        String(port),
        "-b",
        "-",
        `${user}@${place.host}`,
      ];
      // The sign keeps a command from being printed before its output.
      const batch = (command: string): Errand => ({ words, stdin: `@${command}\n` });
      return {
        name,
        home,
        serverPid: pid,
        get: (path, local) => batch(`get ${home}${path} ${local}`),
        put: (local, path) => batch(`put ${local} ${home}${path}`),
        getTree: (path, local) => batch(`get -r ${home}${path} ${local}`),
        putTree: (local, path) => batch(`put -r ${local} ${home}${path}`),
        list: (path) => batch(`ls -1 ${home}${path}`),
        signIn: () => batch("pwd"),
      };
    },
  };
}

/** @param isSynced waits for the disk after each file, as ftpx does */
export function rsync(isSynced = false): Peer {
  const name = isSynced ? "rsync --fsync" : "rsync";
  return {
    name,
    whyMissing: () => missingTool("sshd", "ssh", "ssh-keygen", "rsync"),
    stand: async (ground, place): Promise<Standing> => {
      const { port, pid, home, user } = await sharedSshd(ground, place);
      const shell = ["ssh", "-p", String(port), ...optionsOf(ground)].join(" ");
      const options = isSynced ? ["-a", "--fsync"] : ["-a"];
      const words = [...place.atClient, "rsync", ...options, "-e", shell];
      const there = (path: string) => `${user}@${place.host}:${home}${path}`;
      return {
        name,
        home,
        serverPid: pid,
        get: (path, local) => ({ words: [...words, there(path), local] }),
        put: (local, path) => ({ words: [...words, local, there(path)] }),
        getTree: (path, local) => ({ words: [...words, there(`${path}/`), local] }),
        putTree: (local, path) => ({ words: [...words, `${local}/`, there(path)] }),
      };
    },
  };
}
