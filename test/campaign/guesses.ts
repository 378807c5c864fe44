/**
 * A5: guesses at passwords from one IPv4 address and from one IPv6 network, at a steady pace. How
 * many reach the check of a proof is counted at the client and in the server's events; the owners
 * sign in meanwhile, from where they are known and from where nobody has been.
 *
 *   bun test/campaign/guesses.ts [--guesses N] [--seconds N]
 *
 * So many of each of the two. By hand: --guesses 10000 --seconds 600.
 */
import { DerivedKeys } from "../../src/base/scram.ts";
import { connect } from "../../src/client/connect.ts";
import type { Endpoint } from "../../src/client/connect.ts";
import { outcomeOf } from "../support/refusal.ts";
import { freshAddress, Scene, Server } from "../e2e/binary.ts";
import { endpointOf, greeted, guess } from "../e2e/wire.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";

/** failures.md A5. */
const JUDGED_MAX = 40;

/** Whom each of them guesses at, and beside that names that nobody has. */
const GUESSERS = [
  { host: "127.0.0.1", localAddress: "127.0.0.2", victim: "ann" },
  { host: "::1", localAddress: "::1", victim: "bob" },
] as const;
type Guesser = (typeof GUESSERS)[number];

const HOME = "127.0.0.3";
const RIGHT = new DerivedKeys(() => "pw");

if (import.meta.main) await runCampaign("guesses", { guesses: 300, seconds: 8 }, runAll);

async function runAll(campaign: Campaign): Promise<Record<string, unknown>> {
  const scene = await Scene.begin();
  try {
    for (const { victim } of GUESSERS) await scene.addUser(victim, "pw");
    const words = ["serve", "--json", "--data", scene.data, "--listen", "[::]:0"];
    const server = await Server.open(scene.start(words));
    for (const { victim } of GUESSERS) await demandEntry(server, victim, HOME, campaign);
    const endMs = performance.now() + campaign.number("seconds") * 1000;
    const [four, six, owners] = await Promise.all([
      guessAll(server, GUESSERS[0], campaign),
      guessAll(server, GUESSERS[1], campaign),
      signInMeanwhile(server, endMs, campaign),
    ]);
    if ((await server.stop()) !== 0) campaign.fail("the server did not end with status 0");
    return { four, six, owners };
  } finally {
    await scene.end();
  }
}

async function guessAll(
  server: Server,
  guesser: Guesser,
  campaign: Campaign,
): Promise<Record<string, number>> {
  const count = campaign.number("guesses");
  const everyMs = (campaign.number("seconds") * 1000) / count;
  const { host, localAddress, victim } = guesser;
  const endpoint = { ...endpointOf(server, localAddress), host };
  const outcomes: Record<string, number> = {};
  const note = (kind: string) => (outcomes[kind] = (outcomes[kind] ?? 0) + 1);
  const beganMs = performance.now();
  const open: Promise<unknown>[] = [];
  for (let index = 0; index < count; index += 1) {
    // A late one does not hold the others up.
    await Bun.sleep(Math.max(0, beganMs + index * everyMs - performance.now()));
    const user = campaign.chance.below(2) === 0 ? victim : `nobody${campaign.chance.below(1000)}`;
    open.push(tryOnce(endpoint, user).then(note));
    if (index % 500 === 499) campaign.progress(`${localAddress} ${JSON.stringify(outcomes)}`);
  }
  await Promise.all(open);
  const told = server.events.filter(
    ({ event, address }) => event === "login-failed" && address === localAddress,
  );
  const judged = outcomes["SIGN_IN_REFUSED"] ?? 0;
  if (told.length !== judged) campaign.fail(`${judged} were judged, and ${told.length} told`);
  if (judged > JUDGED_MAX) campaign.fail(`${judged} guesses of ${localAddress} were judged`);
  if (judged === 0) campaign.fail(`no guess of ${localAddress} was judged at all`);
  return { judged, ...outcomes };
}

/** @returns what became of it */
async function tryOnce(endpoint: Endpoint, user: string): Promise<string> {
  let kind = "";
  const work = async () => {
    const { client } = await connect(endpoint, "guess");
    kind = await guess(client, user).finally(() => client.connection.terminate());
  };
  const failure = await outcomeOf(work());
  return failure === "none" ? kind : failure;
}

/** From where they are known, and each time from where nobody has been. */
async function signInMeanwhile(
  server: Server,
  endMs: number,
  campaign: Campaign,
): Promise<Record<string, number>> {
  const times: number[] = [];
  while (performance.now() < endMs) {
    for (const { victim } of GUESSERS) {
      for (const address of [HOME, freshAddress()]) {
        times.push(await demandEntry(server, victim, address, campaign));
      }
    }
    await Bun.sleep(500);
  }
  const sorted = times.toSorted((a, b) => a - b);
  return { signIns: times.length, slowestMs: Math.round(sorted.at(-1) ?? 0) };
}

async function demandEntry(
  server: Server,
  user: string,
  localAddress: string,
  campaign: Campaign,
): Promise<number> {
  const beganMs = performance.now();
  const work = async () => {
    const client = await greeted(server, localAddress);
    await client.signIn(user, RIGHT).finally(() => client.close());
  };
  const kind = await outcomeOf(work());
  if (kind !== "none") campaign.fail(`${user} could not sign in from ${localAddress}: ${kind}`);
  return performance.now() - beganMs;
}
