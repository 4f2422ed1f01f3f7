/** One round: gateway, edge, agent and person, from planting to everything that is to be searched. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { findFreePort } from "../../agent/host/demo/ports.ts";
import type { AlertRow } from "../../protocol/alerts.ts";
import type { HostRow } from "../../protocol/contracts.ts";
import { AS_A_PROGRAM, temporaryDirectory, Up } from "../e2e/installation.ts";
import { HeadlessOperator, ProblemError } from "../e2e/operator.ts";
import { buildCapturing, type Leaks } from "./builds.ts";
import {
  answerCommands,
  grant,
  readEverything,
  workOnAccess,
  workOnAgents,
  workOnJobs,
  workOnTheWhole,
} from "./drive.ts";
import { PlantedGateway, TALK } from "./gateway.ts";
import { Person } from "./person.ts";
import { sinksOf, type Sink } from "./sinks.ts";
import { until } from "./until.ts";

type Closers = (() => unknown)[];

interface Places {
  readonly dataDir: string;
  /** The file of frames. */
  readonly capture: string;
}

/** An installation whose agent writes down what its tunnel carries. */
export class Watched {
  readonly up: Up;
  readonly person: Person;
  readonly #dataDir: string;
  readonly #capture: string;

  private constructor(up: Up, person: Person, { dataDir, capture }: Places) {
    this.up = up;
    this.person = person;
    this.#dataDir = dataDir;
    this.#capture = capture;
  }

  static async start(
    closers: Closers,
    { gateway, env = {}, leaks }: { gateway: string; env?: Readonly<Record<string, string>>; leaks?: Leaks },
  ): Promise<Watched> {
    const place = temporaryDirectory("canary");
    closers.push(() => place.remove());
    const capture = path.join(place.path, "frames");
    const build = await buildCapturing(path.join(place.path, "build"), capture, leaks);
    const dataDir = path.join(place.path, "data");
    const port = await findFreePort(30_000 + Math.floor(Math.random() * 10_000));
    const agentPort = await findFreePort(port + 1);
    const up = new Up({ build, dataDir, port, agentPort, gateway, env: { ...AS_A_PROGRAM, ...env } });
    closers.push(() => up.stop());
    const setup = await up.event((said) => said.event === "setup");
    const operator = await HeadlessOperator.create(port);
    closers.push(() => operator.close());
    await operator.setUp(new URLSearchParams(new URL(String(setup["url"])).hash.slice(1)).get("seed") ?? "");
    return new Watched(up, new Person(operator, await operator.admitFirstHost()), { dataDir, capture });
  }

  get frames(): string {
    return existsSync(this.#capture) ? readFileSync(this.#capture, "utf8") : "";
  }

  /** Kinds of the frames that were captured. */
  get kinds(): ReadonlySet<string> {
    return new Set([...this.frames.matchAll(/"kind":"([a-z-]+)"/g)].map(([, kind = ""]) => kind));
  }

  async row(): Promise<HostRow> {
    const { operator, host } = this.person;
    const { host: row } = (await operator.call("host", { path: `/api/hosts/${host}` })) as { host: HostRow };
    return row;
  }

  /** A build that leaks may be stopped by the edge's own look at what it answers. */
  async #curves(host: string): Promise<unknown> {
    try {
      return await this.person.operator.call("hostHistory", { path: `/api/hosts/${host}/history?range=1h` });
    } catch (error) {
      if (error instanceof ProblemError) return error.code;
      throw error;
    }
  }

  /** Ends the installation, and gives everything that it kept, said or sent. */
  async sinks(): Promise<readonly Sink[]> {
    const { operator, host } = this.person;
    const { alerts } = (await operator.call("alerts")) as { alerts: AlertRow[] };
    const answers = [alerts, await operator.call("hosts"), await this.#curves(host)];
    const file = await this.person.exportLog();
    const bodies = await webhookBodies(alerts, operator.trust.workspace);
    await this.up.stop();
    const made = (kind: string, text: string): Sink => ({ name: kind, kind, bytes: Buffer.from(text) });
    return [
      ...sinksOf(this.#dataDir),
      made("stdout of up", this.up.events.map((event) => JSON.stringify(event)).join("\n")),
      made("stderr of up", this.up.stderr.join("\n")),
      made("tunnel", this.frames),
      made("webhook", bodies.join("\n")),
      made("export", file),
      made("answers of the edge", JSON.stringify(answers)),
    ];
  }
}

export interface Round {
  readonly planted: PlantedGateway;
  readonly watched: Watched;
  /** What the gateway kept, at several times. */
  readonly kept: readonly Buffer[];
  readonly sinks: readonly Sink[];
}

export async function runRound(closers: Closers): Promise<Round> {
  const place = temporaryDirectory("canary-gateway");
  closers.push(() => place.remove());
  const planted = await PlantedGateway.start(path.join(place.path, "gateway"));
  closers.push(() => planted.stop());
  const [watched] = await Promise.all([
    Watched.start(closers, {
      gateway: planted.gateway.url,
      env: {
        OPENCLAW_STATE_DIR: planted.gateway.state,
        OPENCLAW_CONFIG_PATH: path.join(planted.gateway.state, "openclaw.json"),
      },
    }),
    planted.plant(),
  ]);
  const { person } = watched;
  await until(
    "telemetry of a running gateway",
    async () => (await watched.row()).telemetry?.gateway.state === "running",
  );
  await grant(person);
  const kept = [planted.kept];
  const steps: readonly (readonly [string, () => Promise<void>])[] = [
    ["everything is read", () => readEverything(person)],
    ["commands", () => answerCommands(person, planted)],
    ["jobs", () => workOnJobs(person, planted)],
    ["a device asks", () => planted.plantDeviceRequest()],
    ["devices, channels, plugins", () => workOnAccess(person, planted)],
    ["agents and sessions", () => workOnAgents(person, planted, TALK)],
    ["configuration and process", () => workOnTheWhole(person, planted)],
  ];
  for (const [name, step] of steps) {
    const began = performance.now();
    await step();
    kept.push(planted.kept);
    const how = [...person.ended].filter(([, end]) => end !== "executed").map(([one, end]) => `${one}: ${end}`);
    console.log(`${name}: ${((performance.now() - began) / 1_000).toFixed(1)} s`, ...how);
  }
  await until("a sample for the curves", () => watched.kinds.has("history"));
  return { planted, watched, kept, sinks: await watched.sinks() };
}

/**
 * As the product writes them. They are not sent here, because the edge sends to public addresses only; the alerts are those
 * that this run raised, and one that a person asks for.
 */
export async function webhookBodies(alerts: readonly AlertRow[], workspace: string): Promise<readonly string[]> {
  // By address: the module is of the workers' world, which this project does not compile with.
  const file = new URL("../../durable-objects/alerts/messages.ts", import.meta.url).href;
  const { writeMessage } = (await import(/* @vite-ignore */ file)) as { writeMessage: WriteMessage };
  const target = { url: "https://far.example/", secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" };
  const now = Math.floor(Date.now() / 1_000);
  const notices = alerts.flatMap(({ deliveries: _none, ...alert }) =>
    (["raised", "resolved"] as const).map((event) => ({ workspace, event, alert, label: "host" })),
  );
  const messages = await Promise.all(
    [...notices, "test" as const].flatMap((notice) =>
      (["webhook", "ntfy"] as const).map((channel) => writeMessage(channel, notice, { target, now })),
    ),
  );
  return messages.map((message) => JSON.stringify(message));
}

type WriteMessage = (channel: "webhook" | "ntfy", notice: unknown, place: object) => Promise<object>;
