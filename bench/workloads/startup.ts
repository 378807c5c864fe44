/**
 * W10: what it costs to start: the program itself, a server until it takes connections, and a
 * session until it has answered, by the client's process as a person starts it.
 */
import type { Contender } from "../bench.ts";
import type { Bench } from "../bench.ts";
import { BINARY } from "../../test/e2e/binary.ts";
import { endWithRun, measure } from "../errand.ts";
import type { Errand } from "../errand.ts";
import { errandsOf, sharedFtpx, startFtpx } from "../peers/ftpx.ts";
import { sshdWords, sshErrand } from "../peers/openssh.ts";
import { missingTool } from "../peers/peer.ts";
import { CURL_FTPS, LFTP_FTPS, OURS, SFTP } from "../peers/peers.ts";
import { freePort, longLine, LOOPBACK, whyNoLongLine } from "../place.ts";
import type { Place } from "../place.ts";
import type { Workload } from "./workload.ts";

const LISTENING_MS_MAX = 10_000;

export const START_UP: Workload = {
  name: "W10",
  about: "start of the program, of the server, and of a session; loopback and 50 ms round trip",
  grows: "scale",
  run: async (bench) => {
    const programs = { ftpx: [BINARY, "--version"], ssh: ["ssh", "-V"], lftp: ["lftp", "-v"] };
    const there = Object.entries(programs).filter(([, [tool = ""]]) => !missingTool(tool));
    const started = there.map(([who, words]) => timing(who, "program", { words }));
    await bench.takeTurns("W10", started);
    await bench.takeTurns("W10", await servers(bench));
    await bench.takeTurns("W10", await signIns(bench, LOOPBACK, "session"));
    const why = whyNoLongLine();
    if (why !== undefined) return bench.results.leaveOut("W10, 50 ms", why);
    const place = await longLine(bench.ground, 50, 0);
    await bench.takeTurns("W10", await signIns(bench, place, "session, 50 ms"));
  },
};

function timing(who: string, what: string, errand: Errand): Contender {
  const run = async () => {
    const { seconds } = await measure(errand);
    return [{ what, unit: "s" as const, value: seconds }];
  };
  return { who, run };
}

async function servers(bench: Bench): Promise<Contender[]> {
  // Its data directory is made, as at any start but the first.
  const { scene, server } = await startFtpx(bench.ground, LOOPBACK);
  await server.stop();
  const serve = (port: number) => [
    BINARY,
    "serve",
    "--data",
    scene.data,
    "--listen",
    `${LOOPBACK.host}:${port}`,
  ];
  const contenders = [starting("ftpx", serve)];
  const why = missingTool("sshd");
  if (why !== undefined) bench.results.leaveOut("sshd", why);
  else {
    const port = await freePort(LOOPBACK);
    const words = await sshdWords(bench.ground, LOOPBACK, port);
    contenders.push(starting("sshd", () => words, port));
  }
  return contenders;
}

function starting(who: string, words: (port: number) => readonly string[], fixed?: number) {
  const run = async () => {
    const port = fixed ?? (await freePort(LOOPBACK));
    const beganMs = performance.now();
    const child = Bun.spawn([...words(port)], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    endWithRun(child);
    try {
      while (!(await answers(port))) {
        const isLate = performance.now() - beganMs > LISTENING_MS_MAX;
        if (isLate || child.exitCode !== null) throw new Error("it does not listen");
        await Bun.sleep(1);
      }
      const value = (performance.now() - beganMs) / 1000;
      return [{ what: "server", unit: "s" as const, value }];
    } finally {
      child.kill("SIGTERM");
      await child.exited;
    }
  };
  return { who, run };
}

async function answers(port: number): Promise<boolean> {
  try {
    const socket = { data: () => {} };
    (await Bun.connect({ hostname: LOOPBACK.host, port, socket })).terminate();
    return true;
  } catch {
    return false;
  }
}

async function signIns(bench: Bench, place: Place, what: string): Promise<Contender[]> {
  const standing = await bench.stand([OURS, SFTP, CURL_FTPS, LFTP_FTPS], place);
  const contenders = standing.flatMap(({ name, signIn }) => {
    const who = name === OURS.name ? "ftpx, key" : name;
    return signIn === undefined ? [] : [timing(who, what, signIn())];
  });
  const server = await sharedFtpx(bench.ground, place);
  const { signInByPassword } = errandsOf(bench.ground, place, server);
  contenders.push(timing("ftpx, password", what, signInByPassword()));
  if (standing.some(({ name }) => name === SFTP.name)) {
    contenders.push(timing("ssh", what, await sshErrand(bench.ground, place, "true")));
  }
  return contenders;
}
