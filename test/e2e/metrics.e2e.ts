/** /metrics of the compiled server: right numbers, before, during and after transfers. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readExposition } from "../support/prometheus.ts";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

const MIB = 1024 * 1024;
const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;
let server: Server;
let origin: string;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw", "--quota", "30 MiB");
  await scene.addUser("bob", "pw");
  server = await scene.serve("--metrics", "127.0.0.1:0");
  const { port } = await server.event("listening-metrics");
  origin = `http://127.0.0.1:${String(port)}`;
});

afterEach(() => scene.end());

const target = (path: string) => server.target("ann", path);

/** The value of a series; each scrape must be well formed. */
async function scrape(): Promise<(name: string, labels?: string) => number | undefined> {
  const response = await fetch(`${origin}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  const families = readExposition(text);
  for (const name of families.keys()) expect(name).toStartWith("ftpx_");
  expect(text).not.toMatch(/ann|bob|127\.0\.0\.1/);
  return (name, labels = "") => families.get(name)?.samples.get(labels);
}

test("a scrape tells what has happened and what is under way", async () => {
  const before = await scrape();
  expect(before("ftpx_accounts")).toBe(2);
  expect(before("ftpx_sessions", 'door="native"')).toBe(0);
  expect(before("ftpx_sign_ins_total", 'result="ok"')).toBe(0);
  expect(before("ftpx_open_descriptors")).toBeGreaterThan(5);
  expect(before("ftpx_resident_memory_bytes")).toBeGreaterThan(MIB);
  expect(before("ftpx_event_loop_lag_seconds")).toBeGreaterThanOrEqual(0);
  expect(Math.abs((before("ftpx_start_time_seconds") ?? 0) * 1000 - Date.now())).toBeLessThan(
    60_000,
  );

  makeFile(scene.path("f"), 8 * MIB);
  makeFile(scene.path("big"), 40 * MIB);
  expect((await scene.run(["put", scene.path("f"), target("/f")], PASSWORD)).status).toBe(0);
  expect((await scene.run(["get", target("/f"), scene.path("g")], PASSWORD)).status).toBe(0);
  expect((await scene.run(["cp", target("/f"), "/h"], PASSWORD)).status).toBe(0);
  expect((await scene.run(["put", scene.path("big"), target("/big")], PASSWORD)).status).toBe(73);
  expect((await scene.run(["stat", target("/none")], PASSWORD)).status).toBe(66);
  const wrong = { env: { FTPX_PASSWORD: "wrong" } };
  expect((await scene.run(["ls", target("/")], wrong)).status).toBe(77);

  const after = await scrape();
  expect(after("ftpx_received_bytes_total")).toBe(8 * MIB);
  expect(after("ftpx_sent_bytes_total")).toBe(8 * MIB);
  const ended = (direction: string, outcome: string) =>
    after("ftpx_transfers_total", `direction="${direction}",outcome="${outcome}"`);
  expect([ended("upload", "done"), ended("download", "done"), ended("copy", "done")]).toEqual([
    1, 1, 1,
  ]);
  expect(ended("upload", "failed")).toBe(1);
  expect(after("ftpx_quota_refusals_total")).toBe(1);
  expect(after("ftpx_errors_total", 'kind="NO_SUCH_PATH"')).toBeGreaterThanOrEqual(1);
  expect(after("ftpx_sign_ins_total", 'result="ok"')).toBe(5);
  expect(after("ftpx_sign_ins_total", 'result="refused"')).toBe(1);
  expect(after("ftpx_state_batches_total")).toBeGreaterThan(0);

  const put = scene.start(["put", scene.path("f"), target("/slow"), "--limit", "2MiB"], PASSWORD);
  const open = 'direction="upload"';
  while ((await scrape())("ftpx_transfers_open", open) !== 1) await Bun.sleep(20);
  let receivedBytes = 0;
  for (let count = 0; count < 20; count += 1) {
    const now = (await scrape())("ftpx_received_bytes_total") ?? 0;
    expect(now).toBeGreaterThanOrEqual(receivedBytes);
    receivedBytes = now;
    await Bun.sleep(20);
  }
  put.kill("SIGKILL");
  const cut = 'direction="upload",outcome="interrupted"';
  while ((await scrape())("ftpx_transfers_total", cut) !== 1) await Bun.sleep(20);
  expect((await scrape())("ftpx_sessions", 'door="native"')).toBe(0);
});

test("nothing but GET /metrics is answered, and nothing is told of the server beside it", async () => {
  for (const path of ["/", "/metrics/", "/metricsx", "/../metrics/..", "/favicon.ico"]) {
    const response = await fetch(origin + path);
    expect([path, response.status]).toEqual([path, 404]);
  }
  const posted = await fetch(`${origin}/metrics`, { method: "POST", body: "x".repeat(100_000) });
  expect([405, 413]).toContain(posted.status);
  const response = await fetch(`${origin}/metrics`);
  const names = [...response.headers.keys()].filter((name) => name !== "connection");
  expect(names.toSorted()).toEqual(["content-length", "content-type", "date"]);
});

test("metrics go on while the server drains, and end with it", async () => {
  makeFile(scene.path("f"), 8 * MIB);
  const put = scene.start(
    ["put", scene.path("f"), server.target("ann", "/f"), "--limit", "4MiB"],
    PASSWORD,
  );
  while ((await scrape())("ftpx_transfers_open", 'direction="upload"') !== 1) await Bun.sleep(20);
  server.process.kill("SIGTERM");
  await server.event("draining");
  expect((await scrape())("ftpx_draining")).toBe(1);
  expect(await put.exited).toBe(0);
  expect(await server.process.exited).toBe(0);
});

test("metrics are off unless asked for, and an address for everybody is warned of", async () => {
  expect(server.events.filter(({ event }) => event === "listening-metrics").length).toBe(1);
  await server.stop();
  server = await scene.serve("--metrics", "0.0.0.0:0");
  await server.event("listening-metrics");
  await server.stop();
  expect(await server.stderr).toContain("--metrics is not on a loopback address");
  server = await scene.serve();
  await server.event("recounted");
  expect(server.events.some(({ event }) => event === "listening-metrics")).toBe(false);
  const bad = await scene.run(["serve", "--data", scene.path("other"), "--metrics", "nonsense"]);
  expect(bad.status).toBe(64);
});

/** The first line of the answer to these lines, sent as they are. */
async function answerTo(...lines: string[]): Promise<string> {
  const answered = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(origin).port),
    socket: {
      data: (_socket, bytes) => answered.resolve(bytes.toString().split("\r\n")[0] ?? ""),
      close: () => answered.resolve("closed"),
    },
  });
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = await answered.promise;
  socket.terminate();
  return answer;
}

test.each(["a b", "[", "x:y"])("a Host header that is none, %p, is a bad request", async (host) => {
  expect(await answerTo("GET /metrics HTTP/1.1", `Host: ${host}`)).toEndWith("400 Bad Request");
});

test("a scrape by HTTP/1.0 needs no Host header", async () => {
  expect(await answerTo("GET /metrics HTTP/1.0")).toEndWith("200 OK");
});
