/**
 * One client process of crowds.ts: signs many sessions in, says so in a line, keeps them idle
 * until its input ends, and leaves. Arguments: port, tls or plain, first index, count.
 */
import { addressOf, allowDescriptors, inLanes, signInFrom, userOf } from "./crowds-ground.ts";
import type { Guest } from "./crowds-ground.ts";

const [port = "", way = "", first = "", count = ""] = process.argv.slice(2);
const guests: Guest[] = [];
let failed = 0;

allowDescriptors();
await inLanes(4, Number(count), async (at) => {
  const index = Number(first) + at;
  const address = {
    port: Number(port),
    localAddress: addressOf(index),
    isPlain: way === "plain",
  };
  try {
    guests.push(await signInFrom(address, userOf(index)));
  } catch (error) {
    failed += 1;
    if (failed < 4) console.error(`crowds: ${index}: ${String(error)}`);
  }
});
console.log(`in ${guests.length}`);
await new Response(Bun.stdin.stream()).text();
const open = guests.filter(({ client }) => client.isOpen).length;
console.log(`open ${open}`);
for (const { client } of guests) client.connection.terminate();
process.exit(0);
