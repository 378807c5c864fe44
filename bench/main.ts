/**
 * `bun run bench [-- --mib N --pairs N]`: get and put of one file over loopback, ftpx and
 * OpenSSH's sftp with its default cipher in turn, in one run; medians of pairs, ratios,
 * peak memory, and how long an `ls` of another session takes meanwhile.
 *
 * Machines are shared and noisy: nothing else should run while this measures, and only
 * ratios of one run mean anything.
 */
import { readFile, rm, stat } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { DerivedKeys } from "../src/base/scram.ts";
import { parsePath } from "../src/base/path.ts";
import { connect } from "../src/client/connect.ts";
import { BINARY, makeFile, Scene } from "../test/e2e/binary.ts";
import type { Server } from "../test/e2e/binary.ts";
import { run, startSshServer } from "./peers.ts";
import type { SshServer } from "./peers.ts";

const { values } = parseArgs({
  options: { mib: { type: "string", default: "1024" }, pairs: { type: "string", default: "5" } },
});
const totalBytes = Number(values.mib) * 1024 * 1024;
const pairs = Number(values.pairs);
const PASSWORD = { FTPX_PASSWORD: "pw" };

interface Measured {
  readonly seconds: number;
  /** Of the client process. */
  readonly peakMib: number;
}

class Bench {
  readonly #scene: Scene;
  readonly #server: Server;
  readonly #ssh: SshServer | undefined;

  constructor(scene: Scene, server: Server, ssh: SshServer | undefined) {
    this.#scene = scene;
    this.#server = server;
    this.#ssh = ssh;
  }

  async run(): Promise<void> {
    const source = this.#scene.path("source");
    makeFile(source, totalBytes);
    const [cpu] = cpus();
    console.log(`${cpus().length} x ${cpu?.model}, ${values.mib} MiB, ${pairs} pairs, medians`);
    await this.#compare(
      "put",
      (back) => this.#ftpx("put", source, this.#target(back)),
      (back) => this.#sftp(`put ${source} ${this.#scene.path(back)}`),
    );
    await this.#compare(
      "get",
      (back) => this.#ftpx("get", this.#target("/source"), this.#scene.path(back)),
      (back) => this.#sftp(`get ${source} ${this.#scene.path(back)}`),
    );
    const server = await peakMibOf(this.#server.process.pid);
    console.log(`server memory: ${server.toFixed(0)} MiB peak`);
    await this.#latency(source);
  }

  #target(path: string): string {
    return this.#server.target("ann", path.startsWith("/") ? path : `/${path}`);
  }

  async #compare(
    what: string,
    ours: (back: string) => Promise<Measured>,
    theirs: (back: string) => Promise<Measured>,
  ): Promise<void> {
    const home = `${this.#scene.data}/storage/ann`;
    if (what === "get") await run(["cp", this.#scene.path("source"), `${home}/source`]);
    const own: Measured[] = [];
    const other: Measured[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      own.push(await ours("back"));
      await rm(this.#scene.path("back"), { force: true });
      await rm(`${home}/back`, { force: true });
      if (this.#ssh === undefined) continue;
      other.push(await theirs("back"));
      await rm(this.#scene.path("back"), { force: true });
    }
    const ftpx = median(own.map(({ seconds }) => seconds));
    const peak = Math.max(...own.map(({ peakMib }) => peakMib));
    const line = `${what}  ftpx sha256 ${rate(ftpx)}, client memory ${peak.toFixed(0)} MiB peak`;
    if (other.length === 0) {
      console.log(`${line}  (no OpenSSH here to compare with)`);
      return;
    }
    const sftp = median(other.map(({ seconds }) => seconds));
    const ratios = own.map(({ seconds }, index) => (other[index]?.seconds ?? 0) / seconds);
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    console.log(`${line}  sftp ${rate(sftp)}  ratio ${median(ratios).toFixed(2)} (${spread})`);
  }

  async #ftpx(...words: string[]): Promise<Measured> {
    const began = performance.now();
    const child = this.#scene.start([...words, "--json"], { env: PASSWORD });
    let peakMib = 0;
    const watching = setInterval(() => {
      void peakMibOf(child.pid).then((mib) => (peakMib = Math.max(peakMib, mib)));
    }, 50);
    const [status] = await Promise.all([child.exited, new Response(child.stdout).text()]);
    clearInterval(watching);
    if (status !== 0) throw new Error(`ftpx: ${status} ${await new Response(child.stderr).text()}`);
    return { seconds: (performance.now() - began) / 1000, peakMib };
  }

  async #sftp(command: string): Promise<Measured> {
    if (this.#ssh === undefined) throw new Error("no sftp");
    const batch = this.#scene.path("batch");
    await Bun.write(batch, `${command}\n`);
    const began = performance.now();
    await run(["sftp", ...this.#ssh.options, "-b", batch, `${this.#ssh.user}@127.0.0.1`]);
    return { seconds: (performance.now() - began) / 1000, peakMib: 0 };
  }

  /** `ls` in a second session while two large transfers run. */
  async #latency(source: string): Promise<void> {
    const endpoint = { host: "127.0.0.1", port: this.#server.port, name: "bench" };
    const { fingerprint } = this.#server;
    const { client } = await connect({ ...endpoint, fingerprint }, "bench");
    await client.signIn("ann", new DerivedKeys(() => "pw"));
    const transfers = [
      this.#ftpx("put", source, this.#target("a")),
      this.#ftpx("get", this.#target("/source"), this.#scene.path("b")),
    ];
    const over = new AbortController();
    void Promise.all(transfers).finally(() => over.abort());
    const waits: number[] = [];
    while (!over.signal.aborted) {
      const began = performance.now();
      await client.call("list", { path: parsePath("/"), cursor: 0 });
      waits.push(performance.now() - began);
      await Bun.sleep(20);
    }
    client.close();
    await Promise.all(transfers);
    const sorted = waits.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
    const worst = (sorted.at(-1) ?? 0).toFixed(1);
    console.log(
      `ls beside a put and a get of ${values.mib} MiB: ${sorted.length} times, median ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${worst} ms`,
    );
  }
}

async function peakMibOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function rate(seconds: number): string {
  return `${(totalBytes / 1e6 / seconds).toFixed(0)} MB/s`;
}

await stat(BINARY);
const scene = await Scene.begin();
const ssh = await startSshServer(scene.folder);
try {
  await scene.addUser("ann", "pw", "--quota", "1 TiB");
  await new Bench(scene, await scene.serve(), ssh).run();
} finally {
  ssh?.stop();
  await scene.end();
}
