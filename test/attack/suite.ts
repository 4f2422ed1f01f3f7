/**
 * The whole suite: every attack on the running agent and on the running edge, the mutants, the six layers; and honest
 * commands before and after, so that an agent that does nothing at all does not pass.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { canSplit } from "../agent/host/split/split-host.ts";
import { buildAgent } from "./agent-build.ts";
import { approvalAttacks } from "./approvals.ts";
import { attempt, isAsNamed, twiceAtMost, type Attack, type Result } from "./attack.ts";
import { courseAttacks } from "./courses.ts";
import { floodChecks } from "./floods.ts";
import { formAttacks } from "./forms.ts";
import { checks } from "./check-table.ts";
import { attackInChromium } from "./chromium-page.ts";
import { attackByPage, type PageReport } from "./hostile-page.ts";
import { interleave } from "./interleaved.ts";
import { places, type Deployment } from "./deployment.ts";
import { layers as layerTable } from "./layer-table.ts";
import { isProven, proveAll, type LayerReport } from "./layers.ts";
import { makeTlsMaterial } from "./malicious-edge.ts";
import { runMutants, type Campaign } from "./mutants.ts";
import { runMutation, type MutationReport } from "./mutation/mutation.ts";
import { Scene, type SceneOptions } from "./scene.ts";
import { dial, servers } from "./servers.ts";
import { readAttacks } from "./reads.ts";
import { sessionEndAttacks } from "./session-ends.ts";
import { sessionAttacks } from "./sessions.ts";
import { attackRenewal } from "./renewals.ts";
import { holdBack, letExpire } from "./slow.ts";
import { attackCloudEdge } from "./cloud-doors.ts";
import { attackEdge, attackVpnEdge, type EdgeReport } from "./strangers.ts";
import { teamCommandAttacks } from "./team-commands.ts";
import { machineAttacks } from "./team-machines.ts";
import { statementAttacks } from "./team-statements.ts";
import { successorAttacks } from "./team-sessions.ts";
import { makeTeam } from "./team-town.ts";
import { historyAttacks } from "./team-trust.ts";
import { makeTown } from "./town.ts";
import { trustAttacks } from "./trust-pages.ts";
import { tunnelAttacks } from "./tunnels.ts";
import { attackWardenSocket } from "./warden-socket.ts";
import { witnessAttacks, witnessChecks } from "./witness.ts";

export interface SuiteOptions {
  /** In another one than the local, only what depends on it runs: see `elsewhere`. */
  readonly deployment: Deployment;
  /** Elsewhere: only what the connection itself decides. */
  readonly isShort: boolean;
  /** Against the rules, in this process; one in forty more over the socket of the running agent. */
  readonly mutants: number;
  /** How often two operators command at the same time. */
  readonly rounds: number;
  /** A real browser for one of the hostile pages. */
  readonly hasChromium: boolean;
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
  /** Single checks, proven like the layers. */
  readonly checks: readonly LayerReport[];
  readonly pages: readonly PageReport[];
  /** Undefined where the rules alone were not asked: they are the same in every deployment. */
  readonly mutation: MutationReport | undefined;
  /** What came to something else at the first try, where nothing ran, and to what. */
  readonly secondTries: readonly string[];
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
    const town = await makeTown();
    const stand: SceneOptions = { town, tls: await makeTlsMaterial(places[options.deployment]), program };
    const inTeam: SceneOptions = { ...stand, town: await makeTeam(town) };
    if (options.deployment !== "local") return await elsewhere({ stand, inTeam, directory }, tracks);
    // Lanes of work and one that mostly waits; the mutants come last, because they take every processor there is.
    const [campaign, pages, proofs, atSocket] = await Promise.all([
      envelopes(stand, tracks),
      connections(stand, tracks)
        .then(() => team(inTeam, tracks))
        .then(() => byPage(inTeam, tracks)),
      strangers(tracks).then(() => prove({ stand, inTeam, directory }, tracks)),
      // Beside what waits, which takes longer.
      Promise.all([byTakenLink(stand, tracks, directory), waiting(stand, tracks, directory)]).then(
        ([layers]) => layers,
      ),
    ]);
    const mutation = await runMutation(options.mutants, options.seed);
    options.say("mutation done");
    const layers = [...proofs.layers, ...atSocket];
    return report(tracks, { campaign, mutation, pages, checks: proofs.checks, layers });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Mutual TLS and the edge's signature; the other four are rules over what arrived. */
const LAYERS_OF_THE_CONNECTION = 2;
const SHORT_BUDGETS = [1, 3];

/**
 * Over another address, name and authority: everything that goes through the agent's own socket, the layers one by one,
 * and the doors of the edge as it stands there. What only waits, and what asks the rules without a socket, is the same
 * everywhere and stays with the local run.
 */
async function elsewhere({ stand, inTeam, directory }: Stands, tracks: Tracks): Promise<SuiteReport> {
  const { options } = tracks;
  const table = options.isShort ? layerTable.slice(0, LAYERS_OF_THE_CONNECTION) : layerTable;
  const [campaign, pages, layers] = await Promise.all([
    envelopes(stand, tracks),
    connections(stand, tracks).then(() => byPage(inTeam, tracks)),
    strangers(tracks).then(() => proveAll(table, { ...stand, directory })),
  ]);
  options.say("layers done");
  return report(tracks, { campaign, pages, layers, checks: [], mutation: undefined });
}

interface Stands {
  readonly stand: SceneOptions;
  readonly inTeam: SceneOptions;
  readonly directory: string;
}

async function prove({ stand, inTeam, directory }: Stands, { options, results }: Tracks) {
  const layers = await proveAll(layerTable, { ...stand, directory });
  options.say("layers done");
  const proven = await proveAll([...checks, ...witnessChecks, ...floodChecks], { ...inTeam, directory });
  options.say("checks done");
  const renewal = await attackRenewal({ ...stand, directory });
  results.push(...renewal.results);
  options.say("renewal done");
  return { layers, checks: [...proven, ...renewal.checks] };
}

async function byPage(inTeam: SceneOptions, { results, options }: Tracks): Promise<readonly PageReport[]> {
  const scene = await Scene.open(inTeam);
  try {
    const { results: more, pages } = await attackByPage(scene, options.isShort ? { budgets: SHORT_BUDGETS } : {});
    results.push(...more);
    if (options.hasChromium) results.push(...(await attackInChromium(scene)).results);
    options.say("hostile pages done");
    return pages;
  } finally {
    await scene.close();
  }
}

/** What goes over a real socket and through a real log takes longer. */
const SOCKET_SHARE = 40;

/** One agent for everything that fits into a welcomed tunnel. */
async function envelopes(stand: SceneOptions, tracks: Tracks): Promise<Campaign> {
  const scene = await Scene.open(stand);
  try {
    await honest(scene, tracks, "before the attacks");
    const rules = tracks.options.isShort
      ? []
      : [...approvalAttacks, ...sessionAttacks(), ...formAttacks, ...readAttacks];
    for (const attack of [...rules, ...courseAttacks]) {
      tracks.results.push(await attempt(attack, scene));
    }
    tracks.options.say("commands done");
    tracks.results.push(await twoOperators(scene, tracks.options));
    tracks.options.say("two operators done");
    const onSocket = Math.ceil(tracks.options.mutants / SOCKET_SHARE);
    const campaign = await runMutants(scene, onSocket, tracks.options.seed);
    tracks.options.say("mutants done");
    await honest(scene, tracks, "after the attacks");
    return campaign;
  } finally {
    await scene.close();
  }
}

function twoOperators(scene: Scene, options: SuiteOptions): Promise<Result> {
  let tries = 0;
  return twiceAtMost(async () => {
    if (tries > 0) await scene.beginAgain();
    tries += 1;
    return interleave(scene, options);
  });
}

/** Exactly one execution for one honest command, or the suite proves nothing. */
async function honest(scene: Scene, { failures }: Tracks, when: string): Promise<void> {
  const before = scene.canary.restarts;
  const { outcome } = await scene.honest(scene.town.actors.olga);
  const moved = scene.canary.restarts - before;
  if (outcome !== "executed" || moved !== 1)
    failures.push(`an honest command ${when}: ${outcome}, canary moved by ${String(moved)}`);
  if (!scene.isEven) failures.push(`the canaries ${when}: not exactly what the honest people did`);
}

function isWelcome({ rule }: Attack): boolean {
  return rule === "tunnel.edge_unproven";
}

async function connections(stand: SceneOptions, tracks: Tracks): Promise<void> {
  for (const server of servers) tracks.results.push(await twiceAtMost(() => dial(server, stand)));
  const scene = await Scene.open(stand);
  try {
    const pages = tracks.options.isShort ? [] : [...trustAttacks, ...witnessAttacks];
    // Each frame costs the agent its tunnel, and another start: here those with which the edge proves itself.
    const frames = tracks.options.isShort ? tunnelAttacks.filter(isWelcome) : tunnelAttacks;
    for (const attack of [...frames, ...pages]) tracks.results.push(await attempt(attack, scene));
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
async function team(inTeam: SceneOptions, tracks: Tracks): Promise<void> {
  const scene = await Scene.open(inTeam);
  const attacks = [
    ...teamCommandAttacks,
    ...machineAttacks,
    ...successorAttacks,
    ...sessionEndAttacks,
    ...statementAttacks,
    ...historyAttacks,
  ];
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

const edges = {
  local: () => attackEdge(),
  vpn: attackVpnEdge,
  cloud: attackCloudEdge,
} as const satisfies Record<Deployment, () => Promise<EdgeReport>>;

async function strangers({ results, failures, options }: Tracks): Promise<void> {
  const report = await edges[options.deployment]();
  results.push(...report.results);
  failures.push(...report.failures);
  options.say("edge done");
}

/** On an installed host, with the link in other hands. */
async function byTakenLink(
  stand: SceneOptions,
  { results, failures, options }: Tracks,
  directory: string,
): Promise<readonly LayerReport[]> {
  if (!canSplit()) {
    options.say("warden's socket left out: it needs root, unshare and systemd-socket-activate");
    return [];
  }
  const found = await attackWardenSocket({ ...stand, directory });
  results.push(...found.results);
  failures.push(...found.failures);
  options.say("warden's socket done");
  return found.layers;
}

async function waiting(stand: SceneOptions, tracks: Tracks, directory: string): Promise<void> {
  const held = holdBack(stand);
  tracks.results.push(...(await letExpire(stand, directory)), ...(await held));
}

interface Parts {
  readonly campaign: Campaign;
  readonly mutation: MutationReport | undefined;
  readonly pages: readonly PageReport[];
  readonly layers: readonly LayerReport[];
  readonly checks: readonly LayerReport[];
}

function report({ results, failures, options }: Tracks, parts: Parts): SuiteReport {
  const { campaign, mutation, pages, layers, checks: proven } = parts;

  const classes = [...Map.groupBy(results, (result) => result.class)].map(([kind, members]): ClassReport => {
    const refusedBy: Record<string, number> = {};
    for (const { outcome } of members) refusedBy[outcome] = (refusedBy[outcome] ?? 0) + 1;
    return { class: kind, attacks: members.length, executed: sum(members), refusedBy };
  });
  const { mutants, executed, refusedBy } = campaign;
  classes.push({ class: "mutants at the running agent", attacks: mutants, executed, refusedBy });
  if (mutation !== undefined) classes.push(...ofTheRules(mutation));
  const all = [...results, ...[...layers, ...proven].flatMap((layer) => layer.results)];
  const late = [...layers, ...proven].flatMap((layer) => layer.late);
  return {
    classes,
    layers,
    checks: proven,
    pages,
    mutation,
    secondTries: [...[...all, ...late].flatMap(triedAgain), ...campaign.secondTries],
    failures: [
      ...failures,
      ...all.filter((result) => !isAsNamed(result)).map(sentence),
      ...[...layers, ...proven]
        .filter((layer) => !isProven(layer))
        .flatMap(({ layer, idle }) => idle.map((one) => `${layer}: does not run without the check: ${one}`)),
      ...campaign.findings,
      ...(campaign.signedAgain * 2 < mutants ? ["too few mutants at the agent were signed again"] : []),
      ...(executed > 0 ? [`${String(executed)} mutants ran (seed ${String(options.seed)})`] : []),
      ...(mutation?.failures ?? []),
    ],
  };
}

function ofTheRules({ mutants, executed, rules, swept }: MutationReport): readonly ClassReport[] {
  return [
    { class: "mutants at the rules", attacks: mutants, executed, refusedBy: rules },
    { class: "every byte of honest messages", attacks: swept, executed: 0, refusedBy: {} },
  ];
}

function triedAgain({ class: kind, name, firstTry }: Result): readonly string[] {
  return firstTry === undefined ? [] : [`${kind}: ${name}: first ${firstTry}`];
}

function sentence({ class: kind, name, rule, outcome, executed }: Result): string {
  return `${kind}: ${name}: expected ${rule}, got ${outcome}, executed ${String(executed)}`;
}

function sum(results: readonly Result[]): number {
  return results.reduce((total, { executed }) => total + executed, 0);
}
