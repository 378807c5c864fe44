/**
 * A9: a flood of requests for an account. What strangers can make a server keep is bounded,
 * accounts.toml does not change, and who has an account works on meanwhile. Then servers are
 * killed while they make accounts: each request ends in one account, told to its owner.
 *
 *   bun test/campaign/registrations.ts [--seed N] [--requests N] [--sent N] [--kills N]
 *
 * `--sent` of them go through the compiled server, from one address; `--requests` meet the
 * state behind it, from many sources. By hand: --requests 100000 --sent 5000.
 */
import { readFile, stat } from "node:fs/promises";
import { FtpxError } from "../../src/base/errors.ts";
import { REGISTRATIONS_MAX, SOURCE_WAITING_MAX } from "../../src/base/limits.ts";
import { fakeVerifier, formatVerifier } from "../../src/base/verifier.ts";
import { connect } from "../../src/client/connect.ts";
import type { Connected } from "../../src/client/connect.ts";
import { Admission } from "../../src/sessions/admission.ts";
import type { Application } from "../../src/sessions/admission.ts";
import { openState } from "../../src/state/state.ts";
import type { State } from "../../src/state/contract.ts";
import { Scene } from "../e2e/binary.ts";
import type { Server } from "../e2e/binary.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";

/** Room for all that may be kept: rows of less than a kilobyte, indexes, and the log. */
const STATE_BYTES_MAX = 8 * 1024 * 1024;

const NONE = { quotaBytes: undefined, filesMax: undefined, access: undefined };
const VERIFIER = formatVerifier(fakeVerifier(new Uint8Array(32), "flood", []));
const NAMES = ["ann", "bob", "cem", "a.b", "root"] as const;

if (import.meta.main)
  await runCampaign("registrations", { requests: 3000, sent: 120, kills: 6 }, runAll);

async function runAll(campaign: Campaign): Promise<Record<string, unknown>> {
  const scene = await Scene.begin();
  try {
    await scene.addUser("ann", "pw");
    const before = await readFile(`${scene.data}/accounts.toml`);
    const sent = await floodServer(scene, campaign);
    const file = `${scene.data}/storage/.ftpx/state.sqlite`;
    const kept = await floodState(await openState(file), campaign);
    const stateBytes = (await stat(file)).size;
    if (stateBytes > STATE_BYTES_MAX) campaign.fail(`the state has ${stateBytes} bytes`);
    if (!before.equals(await readFile(`${scene.data}/accounts.toml`))) {
      campaign.fail("accounts.toml has changed");
    }
    const server = await scene.serve();
    if (!(await worksFor(scene, server))) campaign.fail("ann cannot sign in afterwards");
    if ((await server.stop()) !== 0) campaign.fail("the server did not end with status 0");
    return { ...sent, ...kept, stateBytes, ...(await killWhileWelcoming(campaign)) };
  } finally {
    await scene.end();
  }
}

function applicationOf(campaign: Campaign): Application {
  const { chance } = campaign;
  return {
    user: chance.pick(NAMES),
    verifier: VERIFIER,
    note: "n".repeat(chance.below(200)),
    ticket: chance.bytes(16),
    invite: undefined,
  };
}

/** From one address, over the wire; another user works meanwhile. */
async function floodServer(scene: Scene, campaign: Campaign): Promise<Record<string, number>> {
  const server = await scene.serve();
  const count = campaign.number("sent");
  const outcomes = new Map<string, number>();
  const working = worksFor(scene, server);
  for (let index = 0; index < count; index += 1) {
    const outcome = await sendOne(server, applicationOf(campaign));
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  const pendingCount = outcomes.get("pending") ?? 0;
  const expected = Math.min(count, SOURCE_WAITING_MAX);
  if (pendingCount !== expected) campaign.fail(`${pendingCount} wait of one source`);
  const refused = outcomes.get("REGISTERED_OFTEN") ?? 0;
  if (pendingCount + refused !== count) campaign.fail(JSON.stringify([...outcomes]));
  if (!(await working)) campaign.fail("ann could not work meanwhile");
  if ((await server.stop()) !== 0) campaign.fail("the server did not end with status 0");
  return { sent: count, refusedOfSent: refused };
}

async function connectTo({ port, fingerprint }: Server): Promise<Connected> {
  return await connect({ host: "127.0.0.1", port, fingerprint, name: "t" }, "flood");
}

async function sendOne(server: Server, application: Application): Promise<string> {
  try {
    const { client } = await connectTo(server);
    const { outcome } = await client.call("register", application).finally(() => client.close());
    return outcome;
  } catch (error) {
    return error instanceof FtpxError ? error.kind : String(error);
  }
}

async function worksFor(scene: Scene, server: Server): Promise<boolean> {
  const env = { FTPX_PASSWORD: "pw" };
  return (await scene.run(["quota", server.target("ann")], { env })).status === 0;
}

/** From many sources, with an operator who denies some: what is kept stays within its bounds. */
async function floodState(state: State, campaign: Campaign): Promise<Record<string, number>> {
  const { chance } = campaign;
  const admission = new Admission(
    {
      state,
      accounts: () => new Map(),
      add: refuse,
      set: refuse,
      hasLeft: () => Promise.resolve(false),
      makeHome: refuse,
      emit: () => {},
    },
    "open",
  );
  const outcomes = new Map<string, number>();
  const count = campaign.number("requests");
  for (let done = 0; done < count; done += 200) {
    campaign.progress(`${done} of ${count}`);
    const batch = Array.from({ length: 200 }, async () => {
      const address = `2001:db8:${chance.below(4).toString(16)}:${chance.below(500).toString(16)}::1`;
      const outcome = await outcomeOf(admission.register(applicationOf(campaign), address));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    });
    await Promise.all(batch);
    if (chance.below(4) === 0) await denySome(admission, campaign);
    await demandBounds(state, campaign);
  }
  await state.close();
  return { requests: count, ...Object.fromEntries(outcomes) };
}

function refuse(): never {
  throw new Error("a flood made an account");
}

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "kept";
  } catch (error) {
    if (error instanceof FtpxError) return error.kind;
    throw error;
  }
}

async function denySome(admission: Admission, { chance }: Campaign): Promise<void> {
  for (const { number } of await admission.waiting()) {
    if (chance.below(2) === 0) continue;
    await admission.decide({ number, outcome: "denied", reason: "", mayTakeFiles: false, ...NONE });
  }
}

async function demandBounds(state: State, campaign: Campaign): Promise<void> {
  const rows = await state.registrations();
  if (rows.length > REGISTRATIONS_MAX) campaign.fail(`${rows.length} requests wait`);
  const ofAddress = new Map<string, number>();
  for (const { address } of rows) ofAddress.set(address, (ofAddress.get(address) ?? 0) + 1);
  const most = Math.max(0, ...ofAddress.values());
  if (most > SOURCE_WAITING_MAX) campaign.fail(`${most} requests of one source wait`);
}

/** Every second one by an invite, the others by the operator. */
async function killWhileWelcoming(campaign: Campaign): Promise<Record<string, number>> {
  const scene = await Scene.begin();
  const counts = { kills: campaign.number("kills"), cutOff: 0 };
  try {
    for (let round = 1; round <= counts.kills; round += 1) {
      campaign.progress(`kill ${round} of ${counts.kills}`);
      if (await isCutOff(scene, `kill${round}`, round % 2 === 0, campaign)) counts.cutOff += 1;
    }
    return counts;
  } finally {
    await scene.end();
  }
}

/** One round: a server that is killed while it makes an account, and one that goes on. */
async function isCutOff(
  scene: Scene,
  user: string,
  isInvited: boolean,
  campaign: Campaign,
): Promise<boolean> {
  const { chance } = campaign;
  const first = await scene.serve();
  const plain = { ...applicationOf(campaign), user };
  const application = isInvited ? { ...plain, invite: await inviteIn(scene) } : plain;
  if (!isInvited) await sendOne(first, application);
  const make = (server: Server): Promise<string> =>
    isInvited ? sendOne(server, application) : approve(scene, user);
  const making = make(first);
  // From before the first byte to after the answer; a command takes its time to start.
  await Bun.sleep(isInvited ? chance.below(60) : 50 + chance.below(150));
  await first.kill();
  const told = await making;
  const second = await scene.serve();
  const again = await make(second);
  const text = await readFile(`${scene.data}/accounts.toml`, "utf8");
  const count = text.split(`[users.${user}]`).length - 1;
  if (count !== 1) campaign.fail(`${user} has ${count} accounts (${told}, then ${again})`);
  const { client } = await connectTo(second);
  const { outcome } = await client.call("awaitRegistration", { ticket: application.ticket });
  client.close();
  if (outcome !== "approved") campaign.fail(`${user} hears "${outcome}" (${told}, then ${again})`);
  if ((await second.stop()) !== 0) campaign.fail("the server did not end with status 0");
  return told !== "approved";
}

async function inviteIn(scene: Scene): Promise<Uint8Array> {
  const { stdout } = await scene.run(["invite", "--json", "--data", scene.data]);
  const { code } = JSON.parse(stdout) as { code: string };
  return new Uint8Array(Buffer.from(code, "hex"));
}

async function approve(scene: Scene, user: string): Promise<string> {
  const { status, stderr } = await scene.run(["approve", user, "--data", scene.data]);
  return status === 0 ? "approved" : stderr.trim();
}
