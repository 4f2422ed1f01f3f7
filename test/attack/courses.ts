/**
 * Attacks that take more than one envelope: replays and redeliveries, restarts of the agent, an honest intent burnt by
 * an early delivery, the host's own deny list. Each says what became of the last step.
 */
import { chmodSync } from "node:fs";
import path from "node:path";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { FLAGS } from "../fixtures/authenticator.ts";
import type { CommandDraft } from "../fixtures/command.ts";
import type { Attack } from "./attack.ts";
import { bent, touchOf } from "./attack.ts";
import { dispatched, intentOf, treeOf } from "./captured.ts";
import type { Outcome, Scene } from "./scene.ts";

/** Attacks of one class. */
function of(kind: string) {
  return (name: string, rule: string, run: (scene: Scene) => Promise<Outcome>): Attack => ({
    class: kind,
    name,
    rule,
    run,
  });
}

const replay = of("replay");
const challenge = of("challenge");

async function executed(scene: Scene): Promise<Uint8Array> {
  const { outcome, sealed } = await scene.honest(scene.town.actors.otto);
  if (outcome !== "executed") throw new Error(`courses: the honest command was ${outcome}`);
  return sealed.bytes;
}

/** The same captured envelope with a dispatch for the tunnel that is open now. */
function again(scene: Scene, envelope: Uint8Array): Promise<Uint8Array> {
  return dispatched(scene, treeOf(envelope));
}

async function honestUndelivered(scene: Scene): Promise<Uint8Array> {
  return (await scene.seal(await scene.draft(scene.town.actors.otto))).bytes;
}

const STORM = 20;

/** Everything at once, while the first is still running: one execution, and its receipt as often as it is asked for. */
async function storm(scene: Scene): Promise<Outcome> {
  const envelope = await honestUndelivered(scene);
  const digest = intentOf(envelope);
  const mark = scene.happenings.mark;
  for (let i = 0; i < STORM; i += 1) scene.send(envelope);
  const numbers = new Set<number>();
  let receipts = 0;
  await scene.happenings.first(mark, (item) => {
    if (item.kind !== "frame" || item.frame.kind !== "receipt") return undefined;
    numbers.add(item.frame.number);
    receipts += 1;
    return receipts === STORM ? true : undefined;
  });
  if (digest !== undefined) scene.ran.add(digest);
  scene.noteHonest();
  scene.letGo(scene.town.actors.otto);
  return numbers.size === 1 && receipts === STORM
    ? "known"
    : `${String(receipts)} receipts, ${String(numbers.size)} numbers`;
}

async function interrupted(scene: Scene): Promise<Outcome> {
  const envelope = await honestUndelivered(scene);
  const mark = scene.happenings.mark;
  const before = scene.canary.restarts;
  scene.send(envelope);
  await scene.happenings.first(mark, (item) =>
    item.kind === "log" && item.line["step"] === "executing" ? true : undefined,
  );
  await scene.canary.moved(before);
  scene.noteHonest();
  await scene.restartAgent("SIGKILL");
  const start = scene.happenings.mark;
  await scene.join();
  const found = await scene.fate(start, intentOf(envelope));
  return found === "interrupted" ? scene.deliver(await again(scene, envelope)) : `found ${found}`;
}

async function onNextTunnel(scene: Scene): Promise<void> {
  scene.tunnel.cut();
  await scene.join();
}

const replays: readonly Attack[] = [
  replay("after execution", "known", async (scene) => scene.deliver(await executed(scene))),
  replay("after execution, with a fresh dispatch", "known", async (scene) =>
    scene.deliver(await again(scene, await executed(scene))),
  ),
  replay(`redelivery storm, ${String(STORM)} copies at once`, "known", storm),
  replay("executed, on another tunnel", "known", async (scene) => {
    const envelope = await executed(scene);
    await onNextTunnel(scene);
    return scene.deliver(envelope);
  }),
  replay("not yet executed, with the dispatch of another tunnel", "dispatch", async (scene) => {
    const envelope = await honestUndelivered(scene);
    await onNextTunnel(scene);
    return scene.deliver(envelope);
  }),
  replay("executed, after the agent restarted", "known", async (scene) => {
    const envelope = await executed(scene);
    await scene.restartAgent();
    await scene.join();
    return scene.deliver(await again(scene, envelope));
  }),
  replay("executed, after the agent was killed", "known", async (scene) => {
    const envelope = await executed(scene);
    await scene.restartAgent("SIGKILL");
    await scene.join();
    return scene.deliver(await again(scene, envelope));
  }),
  replay("the agent killed while it ran, delivered again", "known", interrupted),
];

/** A new intent, honestly signed and approved, on a challenge that is not live any more. */
async function onSpent(scene: Scene): Promise<Outcome> {
  const { otto } = scene.town.actors;
  const { challenge } = await scene.hold(otto);
  await executed(scene);
  return scene.deliver((await scene.seal(scene.draftWith(otto, challenge))).bytes);
}

const challenges: readonly Attack[] = [
  challenge("used up by another command", "challenge", onSpent),
  challenge("from before the agent restarted", "challenge", async (scene) => {
    const envelope = await honestUndelivered(scene);
    await scene.restartAgent();
    await scene.join();
    return scene.deliver(await again(scene, envelope));
  }),
  challenge("of another person's session", "challenge", async (scene) => {
    const { challenge } = await scene.hold(scene.town.actors.ada);
    return scene.deliver((await scene.seal(scene.draftWith(scene.town.actors.otto, challenge))).bytes);
  }),
  challenge("minted for another operation", "challenge", async (scene) => {
    const { otto } = scene.town.actors;
    const { challenge } = await scene.hold(otto, "host.check@1");
    return scene.deliver((await scene.seal(scene.draftWith(otto, challenge))).bytes);
  }),
];

/** Delivers an honest intent early in a bad envelope, then as it was meant: the first is refused, the second runs. */
function burnt(name: string, rule: string, spoil: (draft: CommandDraft, scene: Scene) => void): Attack {
  return of("honest intent burnt early")(name, rule, async (scene) => {
    const { otto } = scene.town.actors;
    const draft = await scene.draft(otto);
    const honest = await scene.seal(draft);
    spoil(draft, scene);
    const outcome = await scene.deliver((await scene.seal(draft)).bytes);
    const then = await scene.honestly(otto, honest);
    return then === "executed" ? outcome : `${outcome}, then the honest one ${then}`;
  });
}

const burning: readonly Attack[] = [
  burnt(
    "approval without user verification",
    "approval.user_verification",
    (draft) => void (touchOf(draft).knobs = { flags: FLAGS.UP }),
  ),
  burnt("no approval", "approval_missing", (draft) => void (draft.approvals = [])),
  burnt(
    "approval of the attacker",
    "approval.credential",
    (draft, { town }) => void (touchOf(draft).passkey = town.mallory.passkey),
  ),
  burnt("approval of a viewer", "role", (draft, { town }) => void (touchOf(draft).passkey = town.actors.vera.passkey)),
  burnt("approval long after", "clock", (draft) => void (touchOf(draft).body["after"] = 500)),
  burnt(
    "sign-in on a foreign origin",
    "session.origin",
    (draft) => void (draft.session.knobs = { origin: "https://evil.example" }),
  ),
  burnt(
    "session signature of the attacker",
    "session_key",
    (draft, { town }) => void (draft.sessionSigner = town.mallory.key),
  ),
  burnt("dispatch of the attacker", "dispatch", (draft, { town }) => void (draft.dispatch.signer = town.mallory.key)),
  burnt(
    "a member more",
    "malformed",
    (draft) => void (draft.rewrite = (bytes) => encodeCanonical({ ...treeOf(bytes), late: true })),
  ),
];

function denied(name: string, write: (scene: Scene) => void): Attack {
  return of("deny list of the host")(name, "local_policy", async (scene) => {
    write(scene);
    try {
      return await bent(() => undefined)(scene);
    } finally {
      scene.directory.deny([]);
    }
  });
}

const local: readonly Attack[] = [
  denied("the operation by name", ({ directory }) => directory.deny(["gateway.restart@1"])),
  denied("everything of the gateway", ({ directory }) => directory.deny(["gateway.*"])),
  denied("a list that does not parse denies all", ({ directory }) => directory.deny(["; rm -rf"])),
  denied("a list that others may write denies all", ({ directory }) => {
    directory.deny(["unrelated.operation@1"]);
    chmodSync(path.join(directory.path, "host", "warden", "deny"), 0o666);
  }),
];

export const courseAttacks: readonly Attack[] = [...replays, ...challenges, ...burning, ...local];
