/** Attacks with automation keys: beyond the grant, past its end, or with somebody else's signature. */
import { encodeCanonical } from "../../protocol/canonical.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { asserted } from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import { dispatched, treeOf } from "./captured.ts";
import { DRILL, type Outcome, type Scene } from "./scene.ts";
import {
  machineDraft,
  prepareBy,
  sealByMachine,
  teamOf,
  type Asking,
  type MachineDraft,
  type Team,
} from "./team-town.ts";

type Name = keyof Team["machines"];

interface Plan extends Asking {
  readonly by?: Name;
  readonly bend?: (draft: MachineDraft, scene: Scene) => void | Promise<void>;
}

const CHECK = "host.check@1";

/** From the request for a challenge on; the first refusal is the outcome. */
export function byMachine({ by = "pipeline", bend = () => undefined, ...asking }: Plan) {
  return async (scene: Scene): Promise<Outcome> => {
    const machine = teamOf(scene).machines[by];
    const { operation = CHECK } = asking;
    // Nothing that is refused spends a challenge, and a machine holds four at most.
    const held = await scene.keep(`${machine.id} ${operation}`, () => prepareBy(scene, machine, asking));
    if (typeof held === "string") return held;
    const draft = machineDraft(scene, { machine, challenge: held.challenge, ...asking });
    await bend(draft, scene);
    const outcome = await scene.deliver(await sealByMachine(scene, draft));
    if (outcome === "executed") scene.letGo(machine, operation);
    return outcome;
  };
}

function row(name: string, rule: string, plan: Plan): Attack {
  return { class: "automation key", name, rule, run: byMachine(plan) };
}

async function personal(scene: Scene): Promise<ReturnType<typeof treeOf>> {
  return treeOf((await scene.seal(await scene.draft(scene.town.actors.otto))).bytes);
}

/** What the grant does not give: the operation, the host, the time, the number. */
export const beyondTheGrant: readonly Attack[] = [
  row("an operation that was not granted", "automation_limit", { operation: "gateway.restart@1" }),
  row("on a host that was not granted", "automation_limit", { by: "far" }),
  row("past its end", "automation_key", { by: "ended" }),
  {
    class: "automation key",
    name: "a third command within the hour of two",
    rule: "automation_rate",
    run: (scene) => thirdInAnHour(scene, () => Promise.resolve()),
  },
];

/** Requests that are refused before there is a challenge. */
const requests: readonly Attack[] = [
  row("an operation that nobody knows", "operation", { operation: "gateway.wipe@1" }),
  row("after it was revoked", "automation_key", { by: "revoked" }),
  {
    class: "automation key",
    name: "a key that nobody granted",
    rule: "automation_key",
    async run(scene) {
      const answer = await prepareBy(scene, { id: "k-unknown", signer: scene.town.mallory.key });
      return typeof answer === "string" ? answer : "prepared";
    },
  },
  {
    class: "automation key",
    name: "a request signed by the attacker",
    rule: "automation_key",
    async run(scene) {
      const { machines, mallory } = teamOf(scene);
      const answer = await prepareBy(scene, machines.pipeline, { signer: mallory.key });
      return typeof answer === "string" ? answer : "prepared";
    },
  },
  {
    class: "automation key",
    name: "a request signed by a person's session key",
    rule: "automation_key",
    async run(scene) {
      const { machines, actors } = teamOf(scene);
      const answer = await prepareBy(scene, machines.pipeline, { signer: actors.ada.sessionKey });
      return typeof answer === "string" ? answer : "prepared";
    },
  },
];

type Bend = NonNullable<Plan["bend"]>;

/** On one live challenge of the pipeline's. */
const deliveries: readonly (readonly [name: string, rule: string, bend: Bend])[] = [
  [
    "signed by a person's session key",
    "automation_key",
    (d, { town }) => void (d.signer = town.actors.otto.sessionKey),
  ],
  ["signed by the dispatch key", "automation_key", (d, { town }) => void (d.signer = town.world.keys.dispatch)],
  ["signed by another automation key", "automation_key", (d, s) => void (d.signer = teamOf(s).machines.far.signer)],
  ["in the name of another automation key", "challenge", (d) => void (d.intent["actor"] = { automationKey: "k-busy" })],
  [
    "in the name of a session",
    "challenge",
    (d, { town }) => void (d.intent["actor"] = { session: town.actors.otto.digest }),
  ],
  ["a restart on the challenge of a check", "challenge", (d) => void (d.intent["operation"] = "gateway.restart@1")],
  [
    "with a person's sign-in",
    "approval_extra",
    async (d, s) => void (d.envelope["session"] = (await personal(s))["session"]),
  ],
  [
    "with a person's approval",
    "approval_extra",
    async (d, s) => void (d.envelope["approvals"] = (await personal(s))["approvals"]),
  ],
  ["with a proposal named", "approval_extra", (d) => void (d.intent["proposal"] = nonceOf("proposal"))],
  ["with arguments that the operation does not take", "malformed", (d) => void (d.intent["args"] = { all: true })],
  ["kept for an hour", "clock", (d) => void (d.target["iat"] = Number(d.target["iat"]) - 3_600)],
  ["for the other host as well", "malformed", (d, s) => twice(d, s)],
];

/** The same host twice is not two hosts. */
function twice(draft: MachineDraft, _scene: Scene): void {
  draft.intent["targets"] = [draft.target, draft.target];
}

/** Beyond the rate that was granted; the count is in the journal, so a restart forgets nothing. */
async function thirdInAnHour(scene: Scene, between: () => Promise<void>): Promise<Outcome> {
  const run = byMachine({ by: "busy" });
  for (let i = 0; i < 2; i += 1) {
    const outcome = await run(scene);
    if (outcome === "automation_rate") break; // an earlier attack used it up: so much the better
    if (outcome !== "executed") return `an honest one was ${outcome}`;
    scene.noteHonest(CHECK);
  }
  await between();
  return run(scene);
}

/** Signed by the attacker in the name of a machine that may. */
export const forgedByMachine = row("signed by the attacker", "automation_key", {
  bend: (draft, { town }) => void (draft.signer = town.mallory.key),
});

/** What a rule for two people asks of a machine. */
export const machineAlone = row("an operation for which a rule asks two people", "people", {
  operation: DRILL,
  args: { scenario: "lost-device" },
});

export const machineAttacks: readonly Attack[] = [
  ...requests,
  ...beyondTheGrant,
  ...deliveries.map(([name, rule, bend]) => row(name, rule, { bend })),
  row("arguments that were not granted", "automation_limit", { operation: DRILL, args: { scenario: "second-person" } }),
  machineAlone,
  forgedByMachine,
  {
    class: "automation key",
    name: "a third command, after the agent was killed",
    rule: "automation_rate",
    run: (scene) =>
      thirdInAnHour(scene, async () => {
        await scene.restartAgent("SIGKILL");
        await scene.join();
      }),
  },
  {
    class: "automation key",
    name: "its signature where a session is named",
    rule: "session_key",
    async run(scene) {
      const { machines, actors } = teamOf(scene);
      const draft = await scene.draft(actors.otto);
      draft.sessionSigner = machines.pipeline.signer;
      return scene.deliver((await scene.seal(draft)).bytes);
    },
  },
  {
    class: "automation key",
    name: "an executed command again",
    rule: "known",
    async run(scene) {
      const machine = teamOf(scene).machines.pipeline;
      const held = await scene.keep(`${machine.id} ${CHECK}`, () => prepareBy(scene, machine));
      if (typeof held === "string") return held;
      const bytes = await sealByMachine(scene, machineDraft(scene, { machine, challenge: held.challenge }));
      if ((await scene.deliver(bytes)) !== "executed") return "the honest one did not run";
      scene.noteHonest(CHECK);
      scene.letGo(machine, CHECK);
      return scene.deliver(await dispatched(scene, treeOf(bytes)));
    },
  },
  row("an administrator's approval of a statement", "approval_extra", {
    async bend(draft, scene) {
      const { actors, world } = teamOf(scene);
      const body = encodeCanonical({
        v: 1,
        workspace: world.workspace,
        kind: "statement",
        subject: nonceOf("statement"),
        decision: "approve",
        at: 1,
      });
      draft.envelope["approvals"] = [await asserted(actors.ada.passkey, "approval", { body })];
    },
  }),
];
