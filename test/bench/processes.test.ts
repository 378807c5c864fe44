import { expect, test } from "bun:test";
import { ServerTime, sessionsEnded } from "../../bench/processes.ts";

/** Starts a server that has one session, and answers what both have used when it has ended. */
async function timeOf(session: string): Promise<number> {
  const server = Bun.spawn(["sh", "-c", `read -r go; (${session}); read -r stop`], {
    stdin: "pipe",
    stdout: "ignore",
  });
  using time = new ServerTime(server.pid);
  await server.stdin.write("go\n");
  await server.stdin.flush();
  await Bun.sleep(150);
  await sessionsEnded(server.pid);
  const seconds = time.end();
  await server.stdin.end();
  await server.exited;
  return seconds;
}

const busyWhile = (condition: string) =>
  `'${process.execPath}' -e 'while (${condition}) for (let i = 0; i < 1e6; i++);'`;

test.if(process.platform === "linux")("what a session used counts once it has ended", async () => {
  const session = busyWhile("process.cpuUsage().user < 100_000");

  expect(await timeOf(session)).toBeGreaterThanOrEqual(0.1);
});

test.if(process.platform === "linux")(
  "what nobody waits for counts too, as long as its session is there",
  async () => {
    const busy = busyWhile("performance.now() < 1000");

    expect(await timeOf(`${busy} & exec sleep 0.5`)).toBeGreaterThan(0.01);
  },
);
