/**
 * Servers of FTP and FTPS, on the folder that all peers share: vsftpd, and pyftpdlib's own in
 * Python. Both let anybody in, so that no account of this machine is touched. Those of FTPS take
 * nothing without TLS, so that no client can leave it out unnoticed.
 */
import { mkdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Ground } from "../ground.ts";
import { freePort, listening } from "../place.ts";
import type { Place } from "../place.ts";
import { missingTool, programOf } from "./peer.ts";

export type FtpProtocol = "ftp" | "ftps";

export interface FtpServer {
  readonly port: number;
  readonly pid: number;
  readonly home: string;
  /** Its root is above the home, because vsftpd wants one that cannot be written. */
  readonly prefix: string;
}

export interface FtpServerKind {
  readonly name: string;
  readonly whyMissing: () => string | undefined;
  /** At most one of a kind and a protocol at each place. */
  stand(ground: Ground, place: Place, protocol: FtpProtocol): Promise<FtpServer>;
}

export const VSFTPD = kindOf(
  "vsftpd",
  () =>
    missingTool("vsftpd", "openssl") ??
    (process.getuid?.() === 0 ? undefined : "vsftpd needs root here"),
  vsftpdWords,
);

export const PYFTPDLIB = kindOf(
  "pyftpdlib",
  () =>
    missingTool("openssl") ??
    (findPython() === undefined ? "no Python has pyftpdlib and OpenSSL" : undefined),
  pyftpdlibWords,
);

/** What a server is to be, which its command line or its settings say. */
interface Wanted {
  readonly host: string;
  readonly port: number;
  /** The folder above the home. */
  readonly root: string;
  readonly protocol: FtpProtocol;
}

function kindOf(
  name: string,
  whyMissing: () => string | undefined,
  wordsOf: (ground: Ground, wanted: Wanted) => Promise<readonly string[]>,
): FtpServerKind {
  const start = async (ground: Ground, place: Place, protocol: FtpProtocol): Promise<FtpServer> => {
    const [port, home] = [await freePort(place), await ground.peersHome()];
    const wanted = { host: place.host, port, root: dirname(home), protocol };
    const child = ground.start([...place.atServer, ...(await wordsOf(ground, wanted))]);
    await listening(place, port, child);
    return { port, pid: child.pid, home, prefix: `/${basename(home)}` };
  };
  return {
    name,
    whyMissing,
    stand: async (ground, place, protocol) =>
      await ground.once(
        `${name} ${protocol} ${place.name}`,
        async () => await start(ground, place, protocol),
      ),
  };
}

async function vsftpdWords(
  ground: Ground,
  { host, port, root, protocol }: Wanted,
): Promise<readonly string[]> {
  const { cert, key } = await ground.certificate();
  const secret = protocol === "ftps" ? "YES" : "NO";
  const empty = ground.path("empty");
  await mkdir(empty, { recursive: true });
  const settings = {
    listen: "YES",
    listen_ipv6: "NO",
    background: "NO",
    listen_address: host,
    listen_port: port,
    anonymous_enable: "YES",
    local_enable: "NO",
    anon_root: root,
    anon_upload_enable: "YES",
    anon_mkdir_write_enable: "YES",
    anon_other_write_enable: "YES",
    anon_world_readable_only: "NO",
    no_anon_password: "YES",
    allow_writeable_chroot: "YES",
    write_enable: "YES",
    secure_chroot_dir: empty,
    xferlog_enable: "NO",
    ssl_enable: secret,
    allow_anon_ssl: "YES",
    force_anon_data_ssl: secret,
    force_anon_logins_ssl: secret,
    // Its own default is 3DES.
    ssl_ciphers: "HIGH",
    require_ssl_reuse: "NO",
    rsa_cert_file: cert,
    rsa_private_key_file: key,
    // Kernels have calls that its filter does not know.
    seccomp_sandbox: "NO",
  };
  const config = ground.path(`vsftpd-${port}`);
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  await Bun.write(config, `${lines.join("\n")}\n`);
  return [programOf("vsftpd") ?? "", config];
}

const PYTHON_SERVER = `
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer
host, port, home, cert, key, protocol = sys.argv[1:]
logging.basicConfig(level=logging.ERROR)
handler = FTPHandler
if protocol == "ftps":
    handler = TLS_FTPHandler
    handler.certfile, handler.keyfile = cert, key
    handler.tls_control_required = handler.tls_data_required = True
handler.authorizer = DummyAuthorizer()
handler.authorizer.add_anonymous(home, perm="elradfmwMT")
FTPServer((host, int(port)), handler).serve_forever()
`;

/** The package is the system's Python's, and another one may be first in PATH. */
function findPython(): string | undefined {
  return ["/usr/bin/python3", "python3"].find((python) => {
    if (Bun.which(python) === null) return false;
    return Bun.spawnSync([python, "-c", "import pyftpdlib, OpenSSL"]).exitCode === 0;
  });
}

async function pyftpdlibWords(
  ground: Ground,
  { host, port, root, protocol }: Wanted,
): Promise<readonly string[]> {
  const { cert, key } = await ground.certificate();
  const python = [findPython() ?? "", "-W", "ignore", "-c", PYTHON_SERVER];
  return [...python, host, String(port), root, cert, key, protocol];
}
