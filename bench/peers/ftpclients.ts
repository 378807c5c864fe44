/** Clients of FTP and FTPS: curl, and lftp, whose mirror has ten connections. */
import type { Errand } from "../errand.ts";
import type { FtpProtocol, FtpServerKind } from "./ftpservers.ts";
import { missingTool } from "./peer.ts";
import type { Peer, Standing } from "./peer.ts";

const CONNECTIONS = 10;

export function curl(protocol: FtpProtocol, kind: FtpServerKind): Peer {
  const name = `curl ${protocol} ${kind.name}`;
  return {
    name,
    whyMissing: () => missingTool("curl") ?? kind.whyMissing(),
    stand: async (ground, place): Promise<Standing> => {
      const { port, pid, home, prefix } = await kind.stand(ground, place, protocol);
      // The certificate is nobody's, and to look at it costs next to nothing.
      const tls = protocol === "ftps" ? ["--ssl-reqd", "--insecure"] : [];
      const words = [...place.atClient, "curl", "-q", "-sS", ...tls];
      const url = (path: string) => `ftp://${place.host}:${port}${prefix}${path}`;
      return {
        name,
        home,
        serverPid: pid,
        get: (path, local) => ({ words: [...words, "-o", local, url(path)] }),
        put: (local, path) => ({ words: [...words, "-T", local, url(path)] }),
        list: (path) => ({ words: [...words, "--list-only", url(`${path}/`)] }),
        signIn: () => ({ words: [...words, "-Q", "PWD", "--head", url("/")] }),
      };
    },
  };
}

export function lftp(protocol: FtpProtocol, kind: FtpServerKind): Peer {
  const name = `lftp ${protocol} ${kind.name}`;
  const isSecret = protocol === "ftps" ? "yes" : "no";
  const settings = [
    `set ftp:ssl-allow ${isSecret}`,
    `set ftp:ssl-allow-anonymous ${isSecret}`,
    `set ftp:ssl-force ${isSecret}`,
    `set ftp:ssl-protect-data ${isSecret}`,
    "set ssl:verify-certificate no",
    "set net:max-retries 2",
    "set cmd:fail-exit yes",
  ].join("; ");
  return {
    name,
    whyMissing: () => missingTool("lftp") ?? kind.whyMissing(),
    stand: async (ground, place): Promise<Standing> => {
      const { port, pid, home, prefix } = await kind.stand(ground, place, protocol);
      const lftpWords = [...place.atClient, "lftp", "--norc", "-c"];
      const errand = (command: string): Errand => ({
        words: [...lftpWords, `${settings}; open ftp://${place.host}:${port}; ${command}`],
        env: { HOME: ground.folder },
      });
      return {
        name,
        home,
        serverPid: pid,
        get: (path, local) => errand(`get ${prefix}${path} -o ${local}`),
        put: (local, path) => errand(`put ${local} -o ${prefix}${path}`),
        getTree: (path, local) => errand(`mirror -P ${CONNECTIONS} ${prefix}${path} ${local}`),
        putTree: (local, path) => errand(`mirror -R -P ${CONNECTIONS} ${local} ${prefix}${path}`),
        list: (path) => errand(`cls -1 ${prefix}${path}`),
        signIn: () => errand("quote PWD"),
      };
    },
  };
}
