/**
 * What every workload is given: the ground, its size, peers that stand, and `takeTurns`, which
 * runs all contenders of a comparison one after the other, as often as there are pairs.
 *
 * Who begins changes from pair to pair, and so does the way round, so that nobody always comes
 * behind the same one; the disk is at rest before each, so that nobody pays for what another one
 * left to be written. No turn is for warming up: the median is not moved by a slow first pair.
 */
import { Results } from "./results.ts";
import type { Figure } from "./results.ts";
import { run, unlessStopped } from "./errand.ts";
import type { Ground } from "./ground.ts";
import type { Place } from "./place.ts";
import type { Peer, Standing } from "./peers/peer.ts";

export interface Contender {
  readonly who: string;
  /** Takes minutes, so one pair is enough. */
  readonly isSlow?: boolean;
  /** @param isFirst what it leaves behind has to be proved */
  run(isFirst: boolean): Promise<readonly Figure[]>;
}

export interface Size {
  readonly scale: number;
  readonly crowd: number;
  readonly pairs: number;
  readonly isSlow: boolean;
  readonly without: readonly string[];
}

export class Bench {
  readonly ground: Ground;
  readonly size: Size;
  readonly results: Results;

  constructor(ground: Ground, size: Size, results = new Results()) {
    this.ground = ground;
    this.size = size;
    this.results = results;
  }

  /** A number of bytes or files at this scale. */
  scaled(count: number, least = 1): number {
    return Math.max(least, Math.round(count * this.size.scale));
  }

  /** A number of clients. */
  crowded(count: number): number {
    return Math.max(1, Math.round(count * this.size.crowd));
  }

  /** Those of the peers that are there, their servers started. */
  async stand(peers: readonly Peer[], place: Place): Promise<Standing[]> {
    const standing: Standing[] = [];
    for (const peer of peers) {
      const why = isWithout(peer.name, this.size.without) ? "--without" : peer.whyMissing();
      if (why !== undefined) this.results.leaveOut(peer.name, why);
      else {
        try {
          standing.push(await peer.stand(this.ground, place));
        } catch (error) {
          this.results.fail(`${peer.name}, ${place.name}`, error);
        }
      }
    }
    return standing;
  }

  async takeTurns(workload: string, contenders: readonly Contender[]): Promise<void> {
    const left = new Set(contenders);
    for (let pair = 0; pair < this.size.pairs; pair += 1) {
      for (const one of turnsOf(contenders, pair)) {
        if (!left.has(one) || (one.isSlow === true && pair > 0)) continue;
        await unlessStopped();
        process.stderr.write(`bench: ${workload}, pair ${pair + 1}: ${one.who}\n`);
        try {
          await run(["sync", "-f", this.ground.folder]);
          for (const figure of await one.run(pair === 0)) {
            this.results.add(workload, one.who, figure);
          }
        } catch (error) {
          await unlessStopped();
          left.delete(one);
          this.results.fail(`${workload}, ${one.who}`, error);
        }
      }
    }
  }
}

/** A B, B A, B A, A B: those of one pair, in the order of their turns. */
export function turnsOf<One>(all: readonly One[], pair: number): One[] {
  const first = Math.floor(pair / 2) % all.length;
  const round = [...all.slice(first), ...all.slice(0, first)];
  return pair % 2 === 0 ? round : round.toReversed();
}

/** Whether a word of the peer's name begins so: "sftp" is no part of "vsftpd". */
export function isWithout(peer: string, without: readonly string[]): boolean {
  return without.some((name) => ` ${peer}`.includes(` ${name}`));
}
