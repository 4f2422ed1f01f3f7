/**
 * The whole suite: every attack on the running agent and on the running edge, the mutants, the six layers; and honest
 * commands before and after, so that an agent that does nothing at all does not pass.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildAgent } from "./agent-build.ts";
import { approvalAttacks } from "./approvals.ts";
import { attempt, isAsNamed, type Result } from "./attack.ts";
import { courseAttacks } from "./courses.ts";
import { formAttacks } from "./forms.ts";
import { isProven, layerTasks, type LayerReport } from "./layers.ts";
import { makeTlsMaterial } from "./malicious-edge.ts";
import { runMutants, type Campaign } from "./mutants.ts";
import { Scene, type SceneOptions } from "./scene.ts";
import { dial, servers } from "./servers.ts";
import { sessionAttacks } from "./sessions.ts";
import { holdBack, letExpire } from "./slow.ts";
import { attackEdge } from "./strangers.ts";
import { teamCommandAttacks } from "./team-commands.ts";
import { machineAttacks } from "./team-machines.ts";
import { teamSessionAttacks } from "./team-sessions.ts";
import { makeTeam } from "./team-town.ts";
import { teamTrustAttacks } from "./team-trust.ts";
import { makeTown } from "./town.ts";
import { trustAttacks, tunnelAttacks } from "./tunnels.ts";

export interface SuiteOptions {
  readonly mutants: number;
  readonly seed: number;
  /** Told when a part is done, for whoever watches. */
  readonly say: (line: string) => void;
}

export interface ClassReport {
  readonly class: string;
  readonly attacks: number;
  readonly executed: number;
  readonly refusedBy: Readonly<Record<string, number>>;
}

export interface SuiteReport {
  readonly classes: readonly ClassReport[];
  readonly layers: readonly LayerReport[];
  /** Empty when everything is as it must be. */
  readonly failures: readonly string[];
}

interface Tracks {
  readonly results: Result[];
  readonly failures: string[];
  readonly options: SuiteOptions;
}

export async function runSuite(options: SuiteOptions): Promise<SuiteReport> {
  const directory = mkdtempSync(path.join(tmpdir(), "clawhold-attack-builds-"));
  const tracks: Tracks = { results: [], failures: [], options };
  try {
    const program = await buildAgent(path.join(directory, "shipped"));
    const stand: SceneOptions = { town: await makeTown(), tls: await makeTlsMaterial(), program };
    const layers: LayerReport[] = [];
    // Two lanes of work and one that mostly waits: as many as an ordinary machine has processors for.
    const [campaign] = await Promise.all([
      envelopes(stand, tracks),
      connections(stand, tracks)
        .then(() => team(stand, tracks))
        .then(() => strangers(tracks))
        .then(async () => {
          for (const task of layerTasks({ ...stand, directory })) layers.push(await task());
          options.say("layers done");
        }),
      waiting(stand, tracks, directory),
    ]);
    return report(tracks, campaign, layers);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One agent for everything that fits into a welcomed tunnel. */
async function envelopes(stand: SceneOptions, tracks: Tracks): Promise<Campaign> {
  const scene = await Scene.open(stand);
  try {
    await honest(scene, tracks, "before the attacks");
    for (const attack of [...approvalAttacks, ...sessionAttacks(), ...formAttacks, ...courseAttacks]) {
      tracks.results.push(await attempt(attack, scene));
    }
    tracks.options.say("commands done");
    const campaign = await runMutants(scene, tracks.options.mutants, tracks.options.seed);
    tracks.options.say("mutants done");
    await honest(scene, tracks, "after the attacks");
    return campaign;
  } finally {
    await scene.close();
  }
}

/** Exactly one execution for one honest command, or the suite proves nothing. */
async function honest(scene: Scene, { failures }: Tracks, when: string): Promise<void> {
  const before = scene.canary.restarts;
  const { outcome } = await scene.honest(scene.town.actors.olga);
  const moved = scene.canary.restarts - before;
  if (outcome !== "executed" || moved !== 1)
    failures.push(`an honest command ${when}: ${outcome}, canary moved by ${String(moved)}`);
}

async function connections(stand: SceneOptions, tracks: Tracks): Promise<void> {
  for (const server of servers) tracks.results.push(await dial(server, stand));
  const scene = await Scene.open(stand);
  try {
    for (const attack of [...tunnelAttacks, ...trustAttacks]) tracks.results.push(await attempt(attack, scene));
    scene.directory.forgetTrust();
    await scene.restartAgent();
    await scene.join();
    await honest(scene, tracks, "after the attacks on tunnel and trust log");
  } finally {
    await scene.close();
  }
  tracks.options.say("tunnels done");
}

/** Several administrators, a rule for two people, automation keys. */
async function team(stand: SceneOptions, tracks: Tracks): Promise<void> {
  const scene = await Scene.open({ ...stand, town: await makeTeam(stand.town) });
  const attacks = [...teamCommandAttacks, ...machineAttacks, ...teamSessionAttacks, ...teamTrustAttacks];
  try {
    await honest(scene, tracks, "in a team, before the attacks");
    for (const attack of attacks) tracks.results.push(await attempt(attack, scene));
    scene.directory.forgetTrust();
    await scene.restartAgent();
    await scene.join();
    await honest(scene, tracks, "in a team, after the attacks");
  } finally {
    await scene.close();
  }
  tracks.options.say("team done");
}

async function strangers({ results, failures, options }: Tracks): Promise<void> {
  const report = await attackEdge();
  results.push(...report.results);
  failures.push(...report.failures);
  options.say("edge done");
}

async function waiting(stand: SceneOptions, tracks: Tracks, directory: string): Promise<void> {
  const held = holdBack(stand);
  tracks.results.push(...(await letExpire(stand, directory)), ...(await held));
}

function report(
  { results, failures, options }: Tracks,
  campaign: Campaign,
  layers: readonly LayerReport[],
): SuiteReport {
  const classes = [...Map.groupBy(results, (result) => result.class)].map(([kind, members]): ClassReport => {
    const refusedBy: Record<string, number> = {};
    for (const { outcome } of members) refusedBy[outcome] = (refusedBy[outcome] ?? 0) + 1;
    return { class: kind, attacks: members.length, executed: sum(members), refusedBy };
  });
  const { mutants, executed, refusedBy } = campaign;
  classes.push({ class: "mutants", attacks: mutants, executed, refusedBy });
  const wrong = [...results, ...layers.flatMap((layer) => layer.results)].filter((result) => !isAsNamed(result));
  return {
    classes,
    layers,
    failures: [
      ...failures,
      ...wrong.map(
        ({ class: kind, name, rule, outcome, executed: ran }) =>
          `${kind}: ${name}: expected ${rule}, got ${outcome}, executed ${String(ran)}`,
      ),
      ...layers
        .filter((layer) => !isProven(layer))
        .flatMap(({ layer, idle }) => idle.map((one) => `layer ${layer}: does not run without the layer: ${one}`)),
      ...campaign.findings,
      ...(campaign.signedAgain * 2 < mutants
        ? [`only ${String(campaign.signedAgain)} of ${String(mutants)} mutants were signed again`]
        : []),
      ...(executed > 0 ? [`${String(executed)} mutants ran (seed ${String(options.seed)})`] : []),
    ],
  };
}

function sum(results: readonly Result[]): number {
  return results.reduce((total, { executed }) => total + executed, 0);
}
