/**
 * The same attacks one step further in: the link is in other hands, and what an edge could send goes to the warden's own socket,
 * on an installed host with its three users. No TLS is in the way there, so the layers that remain are five.
 */
import { approvalAttacks } from "./approvals.ts";
import { attempt, type Attack, type Result } from "./attack.ts";
import { courseAttacks } from "./courses.ts";
import { formAttacks } from "./forms.ts";
import { layers as layerTable, type Layer, type Stand } from "./layer-table.ts";
import { proveAll, type LayerReport } from "./layers.ts";
import { readAttacks } from "./reads.ts";
import { Scene, type Outcome } from "./scene.ts";
import { sessionAttacks } from "./sessions.ts";
import type { ClaimedTunnel } from "./taken-link.ts";

export interface SocketReport {
  readonly results: readonly Result[];
  readonly layers: readonly LayerReport[];
  readonly failures: readonly string[];
}

export interface SocketOptions extends Stand {
  /** Where builds may be put. */
  readonly directory: string;
}

/** What only a taken link can say. */
const words: readonly Attack[] = [
  word("a message of no kind", "tunnel.malformed_frame", { kind: "execute", operation: "gateway.restart@1" }),
  word("a reset of the host, which is for its owner's door", "tunnel.malformed_frame", {
    kind: "reset",
    workspace: "w",
  }),
  word("one member more", "tunnel.malformed_frame", { kind: "close", tunnel: 1, force: true }),
  word("a key that nobody asked for", "tunnel.out_of_order", { kind: "requested", publicKey: "AAAA", csr: "AAAA" }),
  word("a frame of a tunnel that was never opened", "tunnel.out_of_order", {
    kind: "frame",
    tunnel: 9_999_999,
    frame: { kind: "ack", receipt: 1 },
  }),
  {
    class: "taken link",
    name: "a tunnel that no warden left behind, as one to go on with",
    rule: "tunnel.out_of_order",
    async run(scene) {
      const tunnel = (await fresh(scene)) as ClaimedTunnel;
      const mark = scene.happenings.mark;
      tunnel.say({ kind: "open", tunnel: 9_999_998, fingerprint: tunnel.certFingerprint, resumes: true });
      tunnel.say({ kind: "frame", tunnel: 9_999_998, frame: { kind: "ack", receipt: 1 } });
      return closing(scene, mark);
    },
  },
];

function word(name: string, rule: string, message: Readonly<Record<string, unknown>>): Attack {
  return {
    class: "taken link",
    name,
    rule,
    async run(scene) {
      const tunnel = (await fresh(scene)) as ClaimedTunnel;
      const mark = scene.happenings.mark;
      tunnel.say(message);
      return closing(scene, mark);
    },
  };
}

/** Another conversation with the warden that runs. */
async function fresh(scene: Scene): Promise<unknown> {
  scene.edge.forget();
  await scene.join();
  scene.letGoAll();
  return scene.tunnel;
}

/** The warden's own word for why it ended the conversation; after it, a new one for the next attack. */
async function closing(scene: Scene, mark: number): Promise<Outcome> {
  const code = await scene.happenings.first(mark, (item) =>
    item.kind === "log" && item.line["event"] === "tunnel_violation" ? String(item.line["code"]) : undefined,
  );
  await fresh(scene);
  return code === undefined ? "silence" : `tunnel.${code}`;
}

const commands: readonly Attack[] = [
  ...approvalAttacks,
  ...sessionAttacks(),
  ...formAttacks,
  ...readAttacks,
  ...courseAttacks,
];

export async function attackWardenSocket(options: SocketOptions): Promise<SocketReport> {
  const results: Result[] = [];
  const failures: string[] = [];
  const scene = await Scene.open({ ...options, agent: "taken-link" });
  try {
    await honest(scene, failures, "before");
    for (const attack of [...commands, ...words]) {
      const result = await attempt(attack, scene);
      results.push({ ...result, class: `warden's socket: ${result.class}` });
    }
    await honest(scene, failures, "after");
  } finally {
    await scene.close();
  }
  const layers = await proveAll(atTheSocket(layerTable), { ...options, agent: "taken-link" });
  return { results, layers, failures };
}

/** Attacks on the connection itself set a scene with an edge in it. */
function atTheSocket(table: readonly Layer[]): readonly Layer[] {
  return table
    .map(({ layer, cuts, attacks }) => {
      return {
        layer: `${layer}, at the warden's socket`,
        cuts,
        attacks: attacks.filter(({ run }) => run !== undefined),
      };
    })
    .filter(({ attacks }) => attacks.length > 0);
}

/** An honest command that a taken link lets through runs: a warden that does nothing at all does not pass. */
async function honest(scene: Scene, failures: string[], when: string): Promise<void> {
  const { outcome } = await scene.honest(scene.town.actors.olga);
  if (outcome !== "executed" || !scene.isEven)
    failures.push(`an honest command at the warden's socket, ${when} the attacks: ${outcome}`);
}
