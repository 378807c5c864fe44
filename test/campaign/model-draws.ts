/**
 * What chance draws in the model-based campaign: tasks, cuts, crashes, how often each, and
 * sequences of them for fast-check, which repeats them from seed and path and shortens them.
 */
import * as fc from "fast-check";
import { Step } from "./model-commands.ts";
import type { Command, Declared, Moment, Relation, Tally } from "./model-commands.ts";
import type { CutPlan } from "./model-cuts.ts";
import { CONNECTIONS_EACH, USERS } from "./model-ground.ts";
import type { PathPick, SourcePick, Task, TaskKind } from "./model-tasks.ts";

const MIB = 1024 * 1024;

const index = fc.nat({ max: 999 });
const drawn = {
  // One user has most to do, or nobody would ever get far.
  user: fc.oneof(
    { weight: 4, arbitrary: fc.constant("ann") },
    { weight: 6, arbitrary: fc.constantFrom(...USERS) },
  ),
  connection: fc.nat({ max: CONNECTIONS_EACH - 1 }),
};

function weighted<Value>(...values: readonly (readonly [weight: number, value: Value])[]) {
  return fc.oneof(...values.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}

const pathFrom = (...from: readonly (readonly [number, PathPick["from"]])[]) =>
  fc.record<PathPick>({ from: weighted(...from), index });

const someSource = fc.record<SourcePick>({
  size: weighted([70, "small"], [18, "medium"], [4, "large"], [8, "kin"]),
  index,
});
const cutSource = fc.record<SourcePick>({
  size: weighted([10, "small"], [25, "medium"], [20, "large"], [45, "kin"]),
  index,
});
const resumeSource = fc.record<SourcePick>({
  size: weighted([1, "small"], [1, "medium"], [1, "large"], [17, "kin"]),
  index,
});

function taskOf(
  kind: fc.Arbitrary<TaskKind>,
  path: fc.Arbitrary<PathPick>,
  source = someSource,
  mayReplace = weighted([6, true], [1, false]),
) {
  return fc.record<Task>({
    kind,
    path,
    other: pathFrom([1, "pool"], [4, "room"], [2, "there"]),
    source,
    algorithm: weighted([27, "sha256"], [1, "blake3"], [1, "md5"], [1, "xxh128"]),
    isFresh: weighted([14, false], [1, true]),
    mayReplace,
  });
}

const putTask = taskOf(
  fc.constant("put"),
  pathFrom([1, "pool"], [5, "room"], [2, "there"], [2, "part"]),
);
const resumeTask = taskOf(fc.constant("put"), pathFrom([1, "part"]), resumeSource);
const makeTask = taskOf(
  weighted([2, "mkdir"], [3, "mkdir -p"]),
  pathFrom([1, "pool"], [1, "room"]),
);
const removeTask = taskOf(
  weighted([4, "rm"], [2, "rmdir"], [2, "rm -r"]),
  pathFrom([1, "pool"], [5, "there"]),
);
const moveTask = taskOf(weighted([1, "mv"], [1, "cp"]), pathFrom([1, "pool"], [5, "there"]));
const dropTask = taskOf(fc.constant("drop"), pathFrom([1, "pool"], [5, "part"]));
const readTask = taskOf(
  weighted([3, "get"], [2, "stat"], [1, "digest"]),
  pathFrom([1, "pool"], [4, "there"]),
);

const anyTask = fc.oneof(
  { weight: 26, arbitrary: putTask },
  { weight: 10, arbitrary: resumeTask },
  { weight: 12, arbitrary: makeTask },
  { weight: 14, arbitrary: removeTask },
  { weight: 12, arbitrary: moveTask },
  { weight: 3, arbitrary: dropTask },
  { weight: 10, arbitrary: readTask },
);

const meetingTask = taskOf(
  fc.constant("put"),
  pathFrom([3, "room"], [1, "there"], [1, "part"]),
  someSource,
  weighted([1, true], [1, false]),
);
/** What stands in the way of an open upload more often than chance would have it. */
const meetingChange = fc.oneof(
  { weight: 4, arbitrary: moveTask },
  { weight: 2, arbitrary: makeTask },
  { weight: 3, arbitrary: removeTask },
  { weight: 3, arbitrary: anyTask },
);
const cutTask = taskOf(
  fc.constant("put"),
  pathFrom([3, "room"], [1, "there"], [3, "part"]),
  cutSource,
);
const relation = weighted<Relation>([4, "any"], [4, "same"], [2, "below"], [1, "above"]);
const momentOf = (after: Moment["after"], counts: readonly number[]) =>
  fc.record<Moment>({ after: fc.constant(after), count: fc.constantFrom(...counts) });

const declaring = (as: Declared["as"], extraBytes: readonly number[]) =>
  fc.record<Declared>({ as: fc.constant(as), extraBytes: fc.constantFrom(...extraBytes) });

const planOf = (ending: fc.Arbitrary<CutPlan["ending"]>, share: fc.Arbitrary<number>) =>
  fc.record<CutPlan>({
    ending,
    share,
    leavesProof: weighted([3, false], [1, true]),
    leavesRewind: weighted([4, false], [1, true]),
    isAtOnce: weighted([1, false], [1, true]),
  });

const plan = planOf(
  weighted([8, "close"], [4, "line"], [2, "discard"], [3, "commit"], [1, "wrong digest"]),
  weighted([1, 0], [3, 1000], [1, 500], [1, 999], [1, 777], [1, 482], [1, 250]),
);
const meetingPlan = planOf(
  weighted([6, "commit"], [2, "close"], [1, "discard"], [1, "line"]),
  weighted([8, 1000], [1, 500], [1, 0]),
);

/** The fields beside kind, user and connection; the compiler compares them with the kind. */
type FieldsOf<Kind> = {
  readonly [
    Name in keyof Omit<Extract<Command, { kind: Kind }>, keyof typeof drawn | "kind">
  ]: Extract<Command, { kind: Kind }>[Name] extends infer Value ? fc.Arbitrary<Value> : never;
};

function commandOf<const Kind extends Command["kind"]>(kind: Kind, fields: FieldsOf<Kind>) {
  const all = fc.record({ kind: fc.constant(kind), ...drawn, ...(fields as object) });
  return all as unknown as fc.Arbitrary<Command>;
}

const CALM: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [68, commandOf("one", { task: anyTask })],
  [
    12,
    commandOf("pair", {
      tasks: fc.array(anyTask, { minLength: 2, maxLength: 2 }),
      relation,
      staggerMs: weighted([4, 0], [2, 1], [1, 2], [1, 4]),
    }),
  ],
  [
    14,
    commandOf("cut", {
      task: cutTask,
      plan,
      declares: fc.oneof(
        { weight: 4, arbitrary: declaring("source", [0]) },
        { weight: 1, arbitrary: declaring("source", [1000, -1000, -9 * MIB]) },
        { weight: 1, arbitrary: declaring("free", [0, 0, 1]) },
      ),
    }),
  ],
  [
    5,
    commandOf("meet", {
      task: meetingTask,
      plan: meetingPlan,
      tasks: fc.tuple(meetingChange),
      relation: weighted<Relation>([2, "any"], [6, "same"], [1, "below"], [3, "above"]),
    }),
  ],
  [3, commandOf("lose", { task: cutTask, delayMs: weighted([2, 0], [1, 1], [1, 3], [1, 8]) })],
  [1, commandOf("limit", { index })],
  [2, commandOf("look", {})],
];

const CRASHING: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [3, commandOf("crash", { how: weighted([4, "SIGKILL"], [1, "SIGTERM"]) })],
  [
    7,
    commandOf("crash inside", {
      tasks: fc.array(anyTask, { minLength: 1, maxLength: 2 }),
      relation,
      moment: fc.oneof(
        { weight: 1, arbitrary: momentOf("milliseconds", [0, 1, 2, 3, 5, 8, 20, 50]) },
        { weight: 2, arbitrary: momentOf("home", [1, 1, 1, 2, 3]) },
        { weight: 1, arbitrary: momentOf("parts", [1, 2, 3]) },
        { weight: 1, arbitrary: momentOf("database", [1, 2, 3, 4, 6, 8]) },
      ),
    }),
  ],
];

/** Sequences of so many commands on average; every second one is drawn with crashes. */
export function sequences(commands: number, tally: Tally) {
  const draw = (table: typeof CALM) => {
    const rows = table.map(([weight, arbitrary]) => ({ weight, arbitrary }));
    const step = fc.oneof(...rows).map((command) => new Step(command, tally));
    return fc.commands([step], { maxCommands: 2 * commands, size: "max" });
  };
  return fc.oneof(draw(CALM), draw([...CALM, ...CRASHING]));
}
