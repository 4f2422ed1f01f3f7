/** What `clawhold up` does: the edge, this machine's agent and, where wanted, a demo gateway, started together and ended together. */
import { join } from "node:path";
import type { BindNews } from "../../edge/bind/bound.ts";
import { CONTROL_SOCKET, openControl } from "../../edge/control.ts";
import { parseMetricsPlace, type MetricsPlace } from "../../edge/metrics-front.ts";
import { attempt } from "../../edge/hourly.ts";
import { recordIssued } from "../../edge/issued-certificates.ts";
import { startEdge, type Edge } from "../../edge/runtime.ts";
import { keepManagerTold } from "./service-manager.ts";
import { startDemoGateway } from "../../host/demo/demo.ts";
import { openHostState, type GatewayReference, type HostState } from "../../host/state.ts";
import { memoryDoor } from "../../signer/memory-door.ts";
import { Memory } from "../../signer/memory.ts";
import type { OwnDoor } from "../../edge/web-front.ts";
import { openHostKeys } from "../../host/warden/keys.ts";
import { dataDirectoryOf, portOf, type CommandInput } from "../command.ts";
import { EXIT, type CliIo, type ExitCode } from "../io.ts";
import { startAgentProcess, type AgentProcess } from "./agent-process.ts";
import { edgeAdmin, type EdgeAdmin } from "./edge-admin.ts";
import { bindSentence, boundNotes, boundRows, readBind, unlistedAddress } from "./bind-choice.ts";
import { chooseGateway, type GatewayChoice } from "./gateway-choice.ts";
import { settleLocalHost } from "./local-host.ts";
import { readMigrations } from "./migrations.ts";
import { openSetup, pinOf, type Setup, type SetupLink } from "./setup.ts";
import { typedWorkspace } from "./typed-workspace.ts";
import { openVoice } from "./voice.ts";
import { DEFAULT_AGENT_PORT, DEFAULT_PORT } from "./ports.ts";

export async function runUp(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const voice = openVoice(input.json, io);
  const session = new Session(input, io, voice);
  try {
    await session.run();
  } finally {
    await session.stop();
  }
  return EXIT.ok;
}

class Session {
  readonly #input: CommandInput;
  readonly #io: CliIo;
  readonly #voice: ReturnType<typeof openVoice>;
  readonly #closers: (() => Promise<void> | void)[] = [];
  #isStopped = false;
  #isIntroduced = false;
  #agent: AgentProcess | undefined;
  /** While there is no workspace. */
  #setup: Setup | undefined;
  #gateway: GatewayReference = { kind: "none" };
  readonly #memory: Memory;
  /** The workspace as this machine knows it, once it does. */
  #pin: string | undefined;

  constructor(input: CommandInput, io: CliIo, voice: ReturnType<typeof openVoice>) {
    this.#input = input;
    this.#io = io;
    this.#voice = voice;
    const directory = join(dataDirectoryOf(input, io), "signer");
    this.#memory = new Memory({ directory, uid: io.uid, now: () => new Date() });
    void io.stopped.then(() => {
      this.#isStopped = true;
    });
  }

  async run(): Promise<void> {
    const ports = {
      port: portOf(this.#input, "port", DEFAULT_PORT),
      agentPort: portOf(this.#input, "agent-port", DEFAULT_AGENT_PORT),
    };
    const edge = await this.#startEdge(ports);
    const state = openHostState(edge.dataDirectory.join("host"));
    const host = openHostKeys(state.files.keys).host;
    const choice = await chooseGateway(this.#input.text("gateway"), state.host()?.gateway, this.#io);
    if (choice.kind === "local") this.#gateway = choice.reference;
    // The last known address serves until the demo runs again: usually it is the same.
    if (choice.kind === "demo") this.#gateway = demoBefore(state);
    this.#introduce(edge, choice);
    const failure = this.#work({ edge, state, host, choice, admin: edgeAdmin(edge.admin) });
    await Promise.race([this.#io.stopped, failure]);
    if (!this.#isStopped) await this.#io.stopped; // the work is done; what was started goes on until somebody stops it
    this.#voice.say({ event: "stopping" }, ["", "Stopping."]);
  }

  /** Everything is ended in the reverse order of its start; a failed end does not keep the others running. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#voice.close();
    if (failures.length > 0) throw failures[0];
  }

  async #startEdge(ports: { readonly port: number; readonly agentPort: number }): Promise<Edge> {
    const { bundle } = this.#io;
    const edge = await startEdge({
      dataDir: dataDirectoryOf(this.#input, this.#io),
      ...ports,
      bind: readBind(this.#input, (news) => this.#sayBind(news)),
      workerBundlePath: bundle.worker,
      webDir: bundle.web,
      releaseDir: bundle.release,
      own: this.#memoryDoor(),
      migrations: readMigrations(bundle.migrations),
      rateFactor: this.#io.environment["CLAWHOLD_RATE_FACTOR"],
      version: this.#io.version,
      metrics: metricsOf(this.#input),
      log: (event) => this.#voice.edgeLog(event),
    });
    this.#closers.push(() => edge.stop());
    this.#voice.openFile(edge.dataDirectory.join("log", "agent.log"));
    const control = await openControl(join(edge.dataDirectory.runDirectory, CONTROL_SOCKET), {
      writers: () => [edge.pids.workerd, this.#agent?.pid].filter((pid) => pid !== undefined),
      setupLink: async () => this.#setup?.makeLink(),
      newKey: (job) => edge.addKey(job),
      log: edge.log,
    });
    this.#closers.push(() => control.close());
    this.#io.onReload?.(() => void this.#reload(edge));
    this.#closers.push(keepManagerTold({ environment: this.#io.environment, isWell: () => edge.isReady() }));
    return edge;
  }

  async #reload(edge: Edge): Promise<void> {
    try {
      this.#voice.reopen();
      await edge.reload();
    } catch (error) {
      const detail = `The reload failed, and everything goes on as before: ${String(error)}`;
      edge.log({ level: "error", code: "not_reloaded", detail });
    }
  }

  /** The page here is a signer too, and its machine remembers for it. */
  #memoryDoor(): OwnDoor {
    const log = (code: string, detail: string): void => this.#voice.edgeLog({ level: "error", code, detail });
    return memoryDoor({
      memory: this.#memory,
      workspace: () => this.#pin,
      edge: undefined,
      onConflict: (path) =>
        log("older_history", `A page brought an older or another history than this machine has seen (${path}).`),
      onFault: (detail) => log("memory_fault", detail),
    });
  }

  #introduce(edge: Edge, choice: GatewayChoice): void {
    const rows = [
      ["Dashboard", edge.signerOrigin],
      ...boundRows(edge),
      ["Agents", edge.agentEndpoint],
      ["Gateway", choice.note],
      ["Data", edge.dataDirectory.path],
      ...metricsRow(edge),
    ];
    const lines = rows.map(([name = "", value = ""]) => `  ${name.padEnd(11)}${value}`);
    this.#voice.say(
      {
        event: "ready",
        url: edge.signerOrigin,
        agentEndpoint: edge.agentEndpoint,
        dataDir: edge.dataDirectory.path,
        gateway: choice.kind,
        workerd: edge.pids.workerd,
        ...(edge.metricsUrl === undefined ? {} : { metrics: edge.metricsUrl }),
        ...(edge.bound === undefined ? {} : { bound: { ...edge.bound } }),
      },
      [`Clawhold ${this.#io.version}`, "", ...lines, "", ...boundNotes(edge, "clawhold up")],
    );
    this.#isIntroduced = true;
  }

  /** Before the introduction only what it will not show. */
  #sayBind(news: BindNews): void {
    const isShownAnyway = !this.#isIntroduced && news.state === "listening";
    this.#voice.say({ event: "bind", ...news }, isShownAnyway ? [] : [bindSentence(news)]);
  }

  async #work(parts: Work): Promise<void> {
    // A demo that has to be fetched takes a minute: meanwhile the person makes the workspace.
    const demo = parts.choice.kind === "demo" ? this.#startDemo(parts, parts.choice) : Promise.resolve();
    const workspace = await this.#workspace(parts);
    if (workspace === undefined) return; // stopped before anybody used the link
    await this.#settle(workspace, parts);
    if (this.#isStopped) return;
    this.#startAgent(parts.edge);
    await demo;
  }

  async #workspace({ edge, state, host, admin }: Work): Promise<string | undefined> {
    const root = await admin.root();
    if (root !== undefined) {
      this.#say({ event: "sign-in", url: edge.signerOrigin }, [
        "Sign in at",
        "",
        `  ${edge.signerOrigin}`,
        "",
        STOP_HINT,
      ]);
      return state.host()?.workspace ?? (await typedWorkspace(root, state, this.#io)) ?? pinOf(root, state);
    }
    const isSaid = !this.#input.flag("no-link");
    const setup = openSetup({
      admin,
      state,
      origin: edge.signerOrigin,
      host,
      now: nowSeconds,
      onLink: isSaid ? (link, isFirst) => this.#sayLink(link, isFirst) : undefined,
      isStopped: () => this.#isStopped,
    });
    if (!isSaid) this.#say({ event: "setup-needed" }, [SETUP_NEEDED]);
    this.#setup = setup;
    try {
      return await setup.awaitRoot();
    } finally {
      this.#setup = undefined;
    }
  }

  #sayLink({ url, expires }: SetupLink, isFirst: boolean): void {
    const until = new Date(expires * 1_000).toTimeString().slice(0, 5);
    const intro = isFirst
      ? `Open this link to make the workspace. It works once, until ${until}:`
      : `Nobody used the setup link, and it has ended. Here is a new one, until ${until}:`;
    this.#say({ event: "setup", url, expires }, [intro, "", `  ${url}`, "", ...(isFirst ? [STOP_HINT] : [])]);
  }

  async #settle(workspace: string, { edge, state, admin }: Work): Promise<void> {
    this.#say({ event: "workspace", workspace });
    await settleLocalHost(workspace, this.#gateway, {
      state,
      admin,
      agentEndpoint: edge.localEndpoint,
      edgeAuthority: edge.edgeCaCertificate,
      hostname: this.#io.hostname,
      now: nowSeconds,
    });
    // The first were made before there was a log.
    const work = (): Promise<void> => recordIssued(edge.dataDirectory.join("keys"), edge.admin);
    await attempt({ work, code: "certificate_not_recorded" }, edge.log);
    await this.#memory.pin(workspace, edge.signerOrigin);
    this.#pin = workspace;
    this.#noteGateway(state); // the demo may have come up while the host joined
    const unlisted = await unlistedAddress(edge, state);
    if (unlisted !== undefined)
      this.#say({ event: "origin-unlisted", url: edge.bound?.dashboardOrigin }, ["", unlisted]);
  }

  #startAgent(edge: Edge): void {
    const { node, bundle, environment } = this.#io;
    const agent = startAgentProcess({
      node,
      entry: bundle.agent,
      dataDirectory: edge.dataDirectory.path,
      environment,
      onEvent: (line) => this.#voice.agentEvent(line),
      onLog: (line) => this.#voice.agentLog(line),
      onStart: (pid) => this.#say({ event: "agent", pid }),
      onEnd: (how, pause) =>
        this.#say({ event: "agent-ended", how, pauseMilliseconds: pause }, [
          `The agent of this machine ended (${how}) and is started again. Its log: ${edge.dataDirectory.join("log", "agent.log")}`,
        ]),
    });
    this.#agent = agent;
    this.#closers.push(() => agent.stop());
  }

  async #startDemo({ edge, state }: Work, { fetch }: Extract<GatewayChoice, { kind: "demo" }>): Promise<void> {
    try {
      const demo = await startDemoGateway({
        dataDirectory: edge.dataDirectory.path,
        node: this.#io.node,
        environment: this.#io.environment,
        agentVersion: this.#io.version,
        fetchAllowed: fetch,
        say: (line) => this.#say({ event: "demo", detail: line }, [line]),
        log: (code, detail) => this.#voice.agentLog(JSON.stringify({ event: code, ...detail })),
      });
      if (this.#isStopped) return await demo.stop();
      this.#closers.push(() => demo.stop());
      this.#gateway = { kind: "demo", url: demo.url, tokenFile: demo.tokenFile };
      if (this.#noteGateway(state)) this.#agent?.restart();
      this.#say({ event: "demo-ready", url: demo.url }, ["The demo gateway runs."]);
    } catch (error) {
      // The dashboard serves without a gateway; the person decides what to do about it.
      const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
      this.#say({ event: "demo-failed", code }, [
        error instanceof Error ? error.message : "The demo gateway did not start.",
      ]);
    }
  }

  /** Tells the agent's state which gateway it is; true when that was news. */
  #noteGateway(state: HostState): boolean {
    const host = state.host();
    if (host === undefined || JSON.stringify(host.gateway) === JSON.stringify(this.#gateway)) return false;
    state.saveHost({ ...host, gateway: this.#gateway });
    return true;
  }

  #say(event: Readonly<Record<string, unknown>>, lines: readonly string[] = []): void {
    this.#voice.say(event, lines);
  }
}

interface Work {
  readonly edge: Edge;
  readonly state: HostState;
  readonly host: string;
  readonly choice: GatewayChoice;
  readonly admin: EdgeAdmin;
}

const SETUP_NEEDED =
  "There is no workspace yet. Show a link that makes one, on a terminal of this machine: clawhold up link";
const STOP_HINT = "Press Ctrl-C to stop.";

function metricsRow({ metricsUrl }: Edge): readonly (readonly string[])[] {
  return metricsUrl === undefined ? [] : [["Metrics", metricsUrl]];
}

function metricsOf(input: CommandInput): MetricsPlace | undefined {
  const text = input.text("metrics");
  return text === undefined ? undefined : parseMetricsPlace(text);
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

function demoBefore(state: HostState): GatewayReference {
  const before = state.host()?.gateway;
  return before?.kind === "demo" ? before : { kind: "none" };
}
