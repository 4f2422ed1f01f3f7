/**
 * One look at the edge with this host's own certificate, step by step and by the way that the tunnel takes: name, proxy,
 * connection, the edge's certificate, its answer. For `clawhold doctor`; sends nothing but a request for `/health`.
 */
import { lookup } from "node:dns/promises";
import { request } from "node:https";
import { isIP } from "node:net";
import { systemCode } from "../../shared/edge-error.ts";
import type { HostFile, TlsFile } from "../state.ts";
import { dial, EdgeAgent, knock, openTunnel, DIAL_MILLISECONDS, type Dialling } from "./dial.ts";
import { parseEndpoint, type Endpoint } from "./endpoint.ts";
import { explainEdgeRefusal, explainNetwork } from "./explain.ts";
import { environmentOf, nameOfProxy, proxyFor, type Environment, type Proxy } from "./proxy.ts";

export type StepName = "name" | "connection" | "proxy" | "edge" | "access";

export interface Step {
  readonly name: StepName;
  readonly state: "ok" | "fails" | "not reached";
  /** `ok`, `not_reached`, or why it fails: a code of explain.ts. */
  readonly code: string;
  readonly sentence: string;
  /** The edge answered, and said no. */
  readonly isRefusal?: boolean;
}

export interface EdgeProbe {
  readonly steps: readonly Step[];
  /** Our clock minus the edge's; undefined when the edge did not say. */
  readonly clockDifferenceSeconds: number | undefined;
}

export interface Probed {
  readonly host: Pick<HostFile, "edge" | "host" | "colocated">;
  readonly tls: TlsFile;
  readonly environment: Environment;
}

const MAX_ANSWER_CHARACTERS = 4_096;

/** What a step found: a sentence, or no more than that it holds. */
interface Found {
  readonly sentence: string;
  readonly failed?: { readonly code: string; readonly isRefusal: boolean };
}
type Trial = readonly [name: StepName, attempt: () => Promise<Found>];

export async function probeEdge({ host, tls, environment }: Probed): Promise<EdgeProbe> {
  const endpoint = parseEndpoint(host.edge);
  const dialling: Dialling = {
    endpoint,
    environment: environmentOf(host, environment),
    tls: { key: tls.key, cert: tls.certificate, ...(tls.edgeCa === undefined ? {} : { ca: tls.edgeCa }) },
  };
  let clockDifferenceSeconds: number | undefined;
  const trials: readonly Trial[] = [
    ...wayTrials(dialling),
    ["edge", () => meetEdge(dialling)],
    [
      "access",
      async () => {
        const health = await askHealth(dialling);
        if (health.date !== undefined) clockDifferenceSeconds = Math.round((Date.now() - health.date) / 1_000);
        return judgeHealth(health, host.host);
      },
    ],
  ];
  const steps: Step[] = [];
  for (const [name, attempt] of trials) {
    const before = steps.find((step) => step.state !== "ok");
    steps.push(before === undefined ? await tried(name, attempt) : notReached(name, before.name));
  }
  return { steps, clockDifferenceSeconds };
}

async function tried(name: StepName, attempt: () => Promise<Found>): Promise<Step> {
  try {
    const { sentence, failed } = await attempt();
    return failed === undefined
      ? { name, state: "ok", code: "ok", sentence }
      : { name, state: "fails", sentence, ...failed };
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    return { name, state: "fails", code, sentence: explainNetwork(code) };
  }
}

function notReached(name: StepName, before: StepName): Step {
  return { name, state: "not reached", code: "not_reached", sentence: `not reached: look at "${before}" first` };
}

/** With a proxy, its name and its port are what this machine has to reach; the rest is the proxy's business. */
function wayTrials({ endpoint, environment }: Dialling): readonly Trial[] {
  let proxy: Proxy | undefined;
  try {
    proxy = proxyFor(endpoint, environment);
  } catch (error) {
    return [["proxy", () => Promise.reject(error)]];
  }
  const first = proxy ?? endpoint;
  const way: readonly Trial[] = [
    ["name", () => resolveName(first.hostname)],
    ["connection", () => openPort(first)],
  ];
  if (proxy === undefined) return way;
  const { hostname, port } = proxy;
  const asProxy = async (attempt: Promise<Found>): Promise<Found> => {
    try {
      return await attempt;
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      return { sentence: explainNetwork("proxy_unreachable"), failed: { code: "proxy_unreachable", isRefusal: false } };
    }
  };
  return [
    ...way.map(([name, attempt]): Trial => [name, () => asProxy(attempt())]),
    ["proxy", () => passProxy({ ...proxy, hostname, port }, endpoint)],
  ];
}

async function resolveName(hostname: string): Promise<Found> {
  if (isIP(hostname) !== 0) return { sentence: `${hostname} is an address` };
  const addresses = await lookup(hostname, { all: true });
  return { sentence: `${hostname} is ${addresses.map(({ address }) => address).join(", ")}` };
}

async function openPort(endpoint: Pick<Endpoint, "hostname" | "port">): Promise<Found> {
  await knock(endpoint);
  return { sentence: `port ${String(endpoint.port)} answers` };
}

async function passProxy(proxy: Proxy, endpoint: Endpoint): Promise<Found> {
  const socket = await openTunnel(proxy, endpoint, AbortSignal.timeout(DIAL_MILLISECONDS));
  socket.destroy();
  return { sentence: `${nameOfProxy(proxy)} lets this host through to the edge` };
}

async function meetEdge(dialling: Dialling): Promise<Found> {
  const socket = await dial(dialling);
  socket.destroy();
  return { sentence: "its certificate verifies" };
}

const OTHER_HOST =
  "The certificate of this host was issued to another host, perhaps by a copied directory. Get a fresh join file and join again: clawhold join --file <join file>";

function judgeHealth({ status, code, host }: Health, own: string): Found {
  if (status !== 200) {
    const failed = { code, isRefusal: status === 403 };
    return { sentence: explainEdgeRefusal(code, status), failed };
  }
  if (host !== undefined && host !== own)
    return { sentence: OTHER_HOST, failed: { code: "certificate_other_host", isRefusal: true } };
  return { sentence: "the edge accepts this host's certificate" };
}

interface Health {
  readonly status: number;
  readonly code: string;
  /** Whose certificate it is, as the edge knows it; undefined for an edge that does not say. */
  readonly host: string | undefined;
  /** The edge's clock, milliseconds. */
  readonly date: number | undefined;
}

function askHealth(dialling: Dialling): Promise<Health> {
  const { hostname: host, port } = dialling.endpoint;
  return new Promise((resolve, reject) => {
    const fail = (code: string): void => void outgoing.destroy(Object.assign(new Error(code), { code }));
    const outgoing = request({
      host,
      port,
      agent: new EdgeAgent(dialling),
      path: "/health",
      timeout: DIAL_MILLISECONDS,
    });
    outgoing.on("timeout", () => fail("ETIMEDOUT"));
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_CHARACTERS) fail("protocol");
      });
      response.on("error", reject);
      response.on("end", () => {
        const date = Date.parse(response.headers.date ?? "");
        resolve({
          status: response.statusCode ?? 0,
          code: /"code":\s*"([a-z][a-z0-9_.]{0,48})"/.exec(text)?.[1] ?? "unknown",
          host: /"host":\s*"([a-z][a-z0-9-]{1,47})"/.exec(text)?.[1],
          date: Number.isNaN(date) ? undefined : date,
        });
      });
    });
    outgoing.end();
  });
}
