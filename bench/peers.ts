/**
 * The peers that ftpx is measured against, each started for the bench and ended by it:
 * OpenSSH's sftp and sshd from Debian's packages, on a free port, with keys of their own.
 */
import { existsSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";

export interface SshServer {
  readonly port: number;
  /** Words in front of the source and the destination of an `sftp` command. */
  readonly options: readonly string[];
  readonly user: string;
  stop(): void;
}

const SSHD = "/usr/sbin/sshd";

/** Nothing when OpenSSH is not installed. */
export async function startSshServer(folder: string): Promise<SshServer | undefined> {
  if (!existsSync(SSHD) || Bun.which("sftp") === null) return undefined;
  const own = join(folder, "ssh");
  await mkdir(own, { recursive: true });
  await mkdir("/run/sshd", { recursive: true }).catch(() => {});
  for (const name of ["host", "user"]) {
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(own, name)]);
  }
  await Bun.write(join(own, "authorized"), Bun.file(join(own, "user.pub")));
  await chmod(join(own, "authorized"), 0o600);
  const port = freePort();
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(own, "host")}`,
    `AuthorizedKeysFile ${join(own, "authorized")}`,
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "PermitRootLogin prohibit-password",
    "Subsystem sftp internal-sftp",
  ];
  await Bun.write(join(own, "config"), `${config.join("\n")}\n`);
  const server = Bun.spawn([SSHD, "-D", "-e", "-f", join(own, "config")], { stderr: "ignore" });
  await waitForPort(port, server);
  const options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR"];
  return {
    port,
    user: (await run(["id", "-un"])).trim(),
    options: [
      "-q",
      "-P",
      String(port),
      "-i",
      join(own, "user"),
      ...options.flatMap((o) => ["-o", o]),
    ],
    stop: () => server.kill(),
  };
}

/** Runs to the end. @throws when it fails */
export async function run(words: readonly string[], env?: Record<string, string>): Promise<string> {
  const child = Bun.spawn([...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${words.join(" ")}: ${status} ${stderr}`);
  return stdout;
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function waitForPort(port: number, server: Subprocess): Promise<void> {
  while (server.exitCode === null) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => {} } });
      socket.terminate();
      return;
    } catch {
      await Bun.sleep(20);
    }
  }
  throw new Error("sshd did not start");
}
