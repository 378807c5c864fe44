/**
 * `bun bench/signin.ts [--count N]`: whether the time of a refusal tells an unknown user
 * from a wrong password (failures.md A1). Wrong, unknown and disabled take turns; the
 * answer is a Mann-Whitney rank-sum test of each against "wrong password".
 */
import { parseArgs } from "node:util";
import { DerivedKeys } from "../src/base/scram.ts";
import { connect } from "../src/client/connect.ts";
import { Scene } from "../test/e2e/binary.ts";

const { values } = parseArgs({ options: { count: { type: "string", default: "2000" } } });
const count = Number(values.count);
const USERS = { wrong: "ann", unknown: "nobody", disabled: "off" } as const;

/** Milliseconds from the last message of a sign-in to its refusal. */
async function refusalMs(user: string, endpoint: Parameters<typeof connect>[0]): Promise<number> {
  const { client } = await connect(endpoint, "bench");
  const keys = new DerivedKeys(() => "wrong");
  // Derived before the clock starts, or the client's Argon2id would drown the difference.
  const cached = CACHE.get(user) ?? keys;
  CACHE.set(user, cached);
  const began = performance.now();
  await client.signIn(user, cached).catch(() => {});
  const elapsed = performance.now() - began;
  client.connection.terminate();
  return elapsed;
}

const CACHE = new Map<string, DerivedKeys>();

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** Two-sided p of the rank-sum test, by its normal approximation. */
function rankSumP(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((ms) => ({ ms, isA: true })), ...b.map((ms) => ({ ms, isA: false }))];
  all.sort((x, y) => x.ms - y.ms);
  let rankSum = 0;
  for (const [index, { isA }] of all.entries()) if (isA) rankSum += index + 1;
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const mean = (a.length * b.length) / 2;
  const deviation = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
  const z = Math.abs(u - mean) / deviation;
  // Abramowitz and Stegun 26.2.17.
  const t = 1 / (1 + 0.2316419 * z);
  const tail =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 2 * (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}

const scene = await Scene.begin();
try {
  await scene.addUser("ann", "right");
  await scene.addUser("off", "right");
  await scene.run(["usermod", "off", "--disable", "--data", scene.data]);
  const { port, fingerprint } = await scene.serve();
  const endpoint = { host: "127.0.0.1", port, fingerprint, name: "bench" };
  const times = { wrong: [] as number[], unknown: [] as number[], disabled: [] as number[] };
  for (let round = 0; round < count; round += 1) {
    for (const kind of ["wrong", "unknown", "disabled"] as const) {
      times[kind].push(await refusalMs(USERS[kind], endpoint));
    }
  }
  for (const kind of ["unknown", "disabled"] as const) {
    const difference = median(times[kind]) - median(times.wrong);
    const p = rankSumP(times.wrong, times[kind]);
    console.log(
      `${kind} against wrong password, ${count} each: medians differ by ${difference.toFixed(4)} ms, rank-sum p = ${p.toFixed(3)}`,
    );
  }
} finally {
  await scene.end();
}
