/** A depot over a real folder and a real database whose calls a test can let fail. */
import { createHash } from "node:crypto";
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { parsePath } from "../../src/base/path.ts";
import type { State } from "../../src/state/contract.ts";
import { openState } from "../../src/state/state.ts";
import type { Changes } from "../../src/store/changes.ts";
import { Digests } from "../../src/store/digests.ts";
import { openDiskStore } from "../../src/store/disk.ts";
import type { Store } from "../../src/store/store.ts";
import { Depot } from "../../src/vfs/depot.ts";
import type { DepotSettings } from "../../src/vfs/depot.ts";
import type { ClaimedUpload, Vfs } from "../../src/vfs/vfs.ts";
import { Folder } from "./folder.ts";

export class Workshop {
  readonly folder = new Folder();
  /** Calls of the state, and changes of directories, that fail, and how. */
  readonly failing = new Map<string, ErrorKind>();
  /** Never fails. */
  state!: State;
  store!: Store;
  depot!: Depot;
  vfs!: Vfs;

  static async open(settings: Partial<DepotSettings> = {}): Promise<Workshop> {
    const shop = new Workshop();
    shop.state = await openState(shop.folder.at("state.sqlite"));
    shop.store = await openDiskStore(shop.folder.at("storage"), {
      changes: (system) => shop.#failable(system as unknown as Calls) as unknown as Changes,
    });
    const state = shop.#failable(shop.state as unknown as Calls) as unknown as State;
    shop.depot = new Depot(state, shop.store, new Digests(), settings);
    shop.vfs = await shop.depot.enter("ann", () => ({ bytes: 1000, files: 10 }));
    return shop;
  }

  async close(): Promise<void> {
    this.failing.clear();
    await this.vfs.leave();
    await this.depot.close();
    this.folder.remove();
  }

  /** What ann has: used and reserved, as the ledger has it. */
  async ledger(): Promise<string> {
    const account = await this.state.account("ann");
    const { used, reserved } = account ?? { used: NOTHING, reserved: NOTHING };
    return `${used.bytes}/${used.files} ${reserved.bytes}/${reserved.files}`;
  }

  async open(path: string, content: string): Promise<ClaimedUpload> {
    const wish = {
      path: parsePath(path),
      totalBytes: content.length,
      modifiedMs: 1,
      source: Uint8Array.of(1),
      algorithm: "sha256",
      isFresh: false,
      mayReplace: () => true,
      windowBytes: 1e6,
    } as const;
    return await this.vfs.openUpload(wish, { acknowledge: () => {}, failed: () => {} });
  }

  /** A whole upload; throws what its commit throws. */
  async put(path: string, content: string): Promise<void> {
    const claimed = await this.open(path, content);
    try {
      const bytes = Buffer.from(content);
      claimed.upload.accept(claimed.upload.storedBytes, bytes.subarray(claimed.upload.storedBytes));
      const digest = new Uint8Array(createHash("sha256").update(bytes).digest());
      await claimed.upload.commit(bytes.length, { algorithm: "sha256", bytes: digest, chunks: 1 });
    } finally {
      await claimed.close();
    }
  }

  #failable(calls: Calls): Calls {
    const wrapped = Object.entries(calls).map(([name, call]) => [
      name,
      (...asked: unknown[]) => {
        const kind = this.failing.get(name);
        return kind === undefined ? call(...asked) : Promise.reject(new FtpxError(kind));
      },
    ]);
    return Object.fromEntries(wrapped) as Calls;
  }
}

type Calls = Record<string, (...asked: unknown[]) => Promise<unknown>>;

const NOTHING = { bytes: 0, files: 0 };
