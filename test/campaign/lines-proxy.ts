/**
 * A TCP line to a port of this machine that does to its connections what networks do: it
 * cuts with RST or FIN, stalls, goes dead, dribbles byte by byte, flips bits, and forgets
 * one side while the other one stays open.
 *
 * Each connection has a plan that is drawn when it is accepted; a fault strikes in front of
 * the byte that it names, in its direction. `freeze` and `thaw` stop and move the line as a
 * whole: what was on its way comes late, and in order.
 */
import type { Socket, TCPSocketListener } from "bun";
import { Lane } from "./lines-lane.ts";
import type { Fault, LaneOwner, Way } from "./lines-lane.ts";

interface Ends {
  readonly connection: Connection;
  readonly side: "client" | "server";
}

export class FaultyLine {
  /** The faults that struck since the last `begin`, in their order. */
  struck: Fault[] = [];
  /** Called with each fault as it strikes. */
  onFault: (fault: Fault) => void = () => {};
  /** Connections that were taken since then. */
  connectionCount = 0;
  readonly #target: number;
  #draw: (index: number) => readonly Fault[] = () => [];
  readonly #listener: TCPSocketListener<Ends>;
  readonly #open = new Set<Connection>();
  /** Passed by connections that are no more. */
  #goneBytes: Record<Way, number> = { toServer: 0, toClient: 0 };
  #thawed: PromiseWithResolvers<void> | undefined;

  constructor(target: number) {
    this.#target = target;
    const { handlers } = this;
    this.#listener = Bun.listen<Ends>({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      data: undefined as unknown as Ends,
      socket: { ...handlers, open: (socket: Socket<Ends>) => this.#accept(socket) },
    } as never);
  }

  get port(): number {
    return this.#listener.port;
  }

  /** @param draw the plan of each further connection, by its number from 0 on */
  begin(draw: (index: number) => readonly Fault[]): void {
    this.#draw = draw;
    this.struck = [];
    this.connectionCount = 0;
    this.#goneBytes = { toServer: 0, toClient: 0 };
  }

  /** One more fault for every open connection, its place counted from what has passed there. */
  inject(fault: Fault): void {
    for (const { lanes } of this.#open) {
      const lane = lanes[fault.way];
      lane.add({ ...fault, atByte: lane.passedBytes + fault.atByte });
    }
  }

  /** Bytes that were passed on since the last `begin`, over all connections. */
  get passedBytes(): Readonly<Record<Way, number>> {
    const sum = { ...this.#goneBytes };
    for (const { lanes } of this.#open) {
      sum.toServer += lanes.toServer.passedBytes;
      sum.toClient += lanes.toClient.passedBytes;
    }
    return sum;
  }

  get isFrozen(): boolean {
    return this.#thawed !== undefined;
  }

  /** Nothing is passed on any more, and nobody hears of it. */
  freeze(): void {
    this.#thawed ??= Promise.withResolvers<void>();
  }

  /** What waited goes on. */
  thaw(): void {
    this.#thawed?.resolve();
    this.#thawed = undefined;
  }

  /** Resolves when the line moves. */
  async moving(): Promise<void> {
    while (this.#thawed !== undefined) await this.#thawed.promise;
  }

  /** Breaks what is open; new connections are taken. */
  cut(): void {
    for (const connection of this.#open) connection.cut();
  }

  close(): void {
    this.#listener.stop(true);
    this.cut();
    this.thaw();
  }

  note(fault: Fault): void {
    this.struck.push(fault);
    this.onFault(fault);
  }

  forget(connection: Connection): void {
    if (!this.#open.delete(connection)) return;
    this.#goneBytes.toServer += connection.lanes.toServer.passedBytes;
    this.#goneBytes.toClient += connection.lanes.toClient.passedBytes;
  }

  get handlers() {
    return {
      data: ({ data: { connection, side } }: Socket<Ends>, bytes: Uint8Array) =>
        connection.from(side).take(bytes),
      drain: ({ data: { connection, side } }: Socket<Ends>) => connection.towards(side).drained(),
      end: ({ data: { connection, side } }: Socket<Ends>) => connection.from(side).finish(),
      close: ({ data: { connection, side } }: Socket<Ends>) => connection.closed(side),
      error: () => {},
    };
  }

  #accept(socket: Socket<Ends>): void {
    const connection = new Connection(this, this.#draw(this.connectionCount));
    this.connectionCount += 1;
    this.#open.add(connection);
    socket.data = { connection, side: "client" };
    connection.lanes.toClient.begin(socket);
    connection.lanes.toServer.source = socket;
    const open = (other: Socket<Ends>) => {
      connection.lanes.toClient.source = other;
      connection.lanes.toServer.begin(other);
    };
    void Bun.connect<Ends>({
      hostname: "127.0.0.1",
      port: this.#target,
      allowHalfOpen: true,
      data: { connection, side: "server" },
      socket: { ...this.handlers, open },
    } as never).catch(() => connection.cut());
  }
}

/** Both directions between one client and the server. */
class Connection implements LaneOwner {
  readonly lanes: Record<Way, Lane>;
  readonly #line: FaultyLine;
  readonly #dead = Promise.withResolvers<void>();
  #isDead = false;

  constructor(line: FaultyLine, plan: readonly Fault[]) {
    this.#line = line;
    const laneOf = (way: Way) => {
      const faults = plan.filter((fault) => fault.way === way);
      return new Lane(
        this,
        faults.toSorted((a, b) => a.atByte - b.atByte),
      );
    };
    this.lanes = { toServer: laneOf("toServer"), toClient: laneOf("toClient") };
  }

  /** The lane that a side fills. */
  from(side: "client" | "server"): Lane {
    return side === "client" ? this.lanes.toServer : this.lanes.toClient;
  }

  /** The lane that ends at a side. */
  towards(side: "client" | "server"): Lane {
    return side === "client" ? this.lanes.toClient : this.lanes.toServer;
  }

  /** Waits while the line is frozen, and for ever (until the line is closed) once it is dead. */
  async moving(): Promise<void> {
    if (this.#isDead) await this.#dead.promise;
    if (this.#line.isFrozen) await this.#line.moving();
  }

  strike(fault: Fault): void {
    this.#line.note(fault);
    if (fault.kind === "reset") this.cut();
    // Nothing moves any more, and who is still there does not hear of it.
    if (fault.kind === "die" || fault.kind === "strand") this.#isDead = true;
    if (fault.kind === "strand") this.lanes.toClient.breakOff();
  }

  /** RST, both ways. */
  cut(): void {
    this.lanes.toServer.breakOff();
    this.lanes.toClient.breakOff();
    this.#dead.resolve();
    this.#line.forget(this);
  }

  /** A lane has passed on its FIN; with both of them done nothing is left to do. */
  finished(): void {
    if (!this.lanes.toServer.isOver || !this.lanes.toClient.isOver) return;
    this.lanes.toServer.hangUp();
    this.lanes.toClient.hangUp();
    this.#line.forget(this);
  }

  closed(side: "client" | "server"): void {
    // What it had sent may still be on its way; what was for it has nowhere to go.
    this.towards(side).breakOff();
    this.from(side).abandon();
  }
}
