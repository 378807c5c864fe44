/** ftpx itself, the compiled executable, with every promise on: TLS, proof, sync, quota. */
import { BINARY, Scene, Server } from "../../test/e2e/binary.ts";
import type { Errand } from "../errand.ts";
import type { Ground } from "../ground.ts";
import type { Place } from "../place.ts";
import type { Peer, Standing } from "./peer.ts";

export const USER = "ann";
/** Nothing is measured with it but the sign-in by password. */
export const PASSWORD = "correct horse";

export interface FtpxServer {
  readonly scene: Scene;
  readonly server: Server;
  readonly home: string;
  readonly target: (path: string) => string;
}

/** A server of its own, for whoever wants to know what one has used since it was started. */
export async function startFtpx(ground: Ground, place: Place): Promise<FtpxServer> {
  const scene = await Scene.begin();
  ground.undoLater(async () => await scene.end());
  await scene.addUser(USER, PASSWORD, "--quota", "1 TiB");
  const key = `${await ground.key("user")}.pub`;
  const { status, stderr } = await scene.operate("usermod", USER, "--add-key", key);
  if (status !== 0) throw new Error(`usermod: ${stderr}`);
  return await serve(scene, place);
}

/** The same data directory, after its server was stopped. */
export async function restartFtpx(place: Place, { scene }: FtpxServer): Promise<FtpxServer> {
  return await serve(scene, place);
}

async function serve(scene: Scene, place: Place): Promise<FtpxServer> {
  const listen = ["--data", scene.data, "--listen", `${place.host}:0`];
  const words = [...place.atServer, scene.binary, "serve", "--json", ...listen];
  const [binary = "", ...others] = words;
  const server = await Server.open(scene.start(others, { binary }));
  const target = (path: string) =>
    `ftpx://${USER}@${place.host}:${server.port}${path}#${server.fingerprint}`;
  return { scene, server, home: `${scene.data}/storage/${USER}`, target };
}

/** By key, as the peers that have such a thing. */
export function errandsOf(ground: Ground, place: Place, { target }: FtpxServer, digest = "sha256") {
  const env = { FTPX_HOME: ground.path("ftpx"), FTPX_KEY: ground.path("user") };
  const errand = (...words: string[]): Errand => ({
    words: [...place.atClient, BINARY, ...words],
    env,
  });
  const proof = ["--digest", digest];
  return {
    errand,
    get: (path: string, local: string) => errand("get", ...proof, target(path), local),
    put: (local: string, path: string) => errand("put", ...proof, local, target(path)),
    getTree: (path: string, local: string) => errand("get", "-r", ...proof, target(path), local),
    putTree: (local: string, path: string) => errand("put", "-r", ...proof, local, target(path)),
    list: (path: string) => errand("ls", target(path)),
    signIn: () => errand("whoami", target("/")),
    signInByPassword: (): Errand => ({
      words: [...place.atClient, BINARY, "whoami", target("/")],
      env: { FTPX_HOME: ground.path("ftpx"), FTPX_PASSWORD: PASSWORD },
    }),
  };
}

/** The server that all workloads at a place share. */
export async function sharedFtpx(ground: Ground, place: Place): Promise<FtpxServer> {
  return await ground.once(`ftpx ${place.name}`, async () => await startFtpx(ground, place));
}

export function ftpxWith(digest: string): Peer {
  const name = `ftpx ${digest}`;
  return {
    name,
    whyMissing: () => undefined,
    stand: async (ground, place): Promise<Standing> => {
      const shared = await sharedFtpx(ground, place);
      const { errand: _errand, ...errands } = errandsOf(ground, place, shared, digest);
      return { name, home: shared.home, serverPid: shared.server.process.pid, ...errands };
    },
  };
}
