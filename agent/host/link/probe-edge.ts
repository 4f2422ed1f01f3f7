/**
 * One look at the edge with this host's own certificate: name, connection, certificate, answer. For `clawhold doctor`;
 * sends nothing but a request for `/health`.
 */
import { lookup } from "node:dns/promises";
import { request } from "node:https";
import { connect, isIP } from "node:net";
import { systemCode } from "../../shared/edge-error.ts";
import type { TlsFile } from "../state.ts";
import { parseEndpoint, type Endpoint } from "./endpoint.ts";
import { explainEdgeRefusal, explainNetwork } from "./explain.ts";

export interface EdgeProbe {
  readonly passed: readonly { readonly name: string; readonly sentence: string }[];
  /** The first step that did not hold; nothing after it was tried. */
  readonly failed: { readonly name: string; readonly sentence: string; readonly isRefusal: boolean } | undefined;
  /** Our clock minus the edge's; undefined when the edge did not say. */
  readonly clockDifferenceSeconds: number | undefined;
}

const STEP_MILLISECONDS = 10_000;
const MAX_ANSWER_CHARACTERS = 4_096;

export async function probeEdge(edge: string, tls: TlsFile): Promise<EdgeProbe> {
  const endpoint = parseEndpoint(edge);
  const passed: { name: string; sentence: string }[] = [];
  const fail = (name: string, sentence: string): EdgeProbe => ({
    passed,
    failed: { name, sentence, isRefusal: false },
    clockDifferenceSeconds: undefined,
  });
  const address = await attempt(() => resolveName(endpoint.hostname));
  if (!address.ok) return fail("name", explainNetwork(address.code));
  passed.push({ name: "name", sentence: `${endpoint.hostname} is ${address.value}` });
  const reached = await attempt(() => openPort(endpoint));
  if (!reached.ok) return fail("connection", explainNetwork(reached.code));
  passed.push({ name: "connection", sentence: `port ${String(endpoint.port)} answers` });
  const answered = await attempt(() => askHealth(endpoint, tls));
  if (!answered.ok) return fail("edge", explainNetwork(answered.code));
  passed.push({ name: "edge", sentence: "its certificate verifies" });
  const { status, code, date } = answered.value;
  const clockDifferenceSeconds = date === undefined ? undefined : Math.round((Date.now() - date) / 1_000);
  if (status === 403) {
    const failed = { name: "access", sentence: explainEdgeRefusal(code, status), isRefusal: true };
    return { passed, failed, clockDifferenceSeconds };
  }
  if (status !== 200) {
    const failed = { name: "access", sentence: explainEdgeRefusal(code, status), isRefusal: false };
    return { passed, failed, clockDifferenceSeconds };
  }
  passed.push({ name: "access", sentence: "the edge accepts this host's certificate" });
  return { passed, failed: undefined, clockDifferenceSeconds };
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string };

async function attempt<T>(step: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await step() };
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    return { ok: false, code };
  }
}

async function resolveName(hostname: string): Promise<string> {
  return isIP(hostname) === 0 ? (await lookup(hostname)).address : "an address";
}

function timedOut(): Error {
  return Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" });
}

function openPort({ hostname, port }: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port, timeout: STEP_MILLISECONDS });
    socket.on("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.on("timeout", () => socket.destroy(timedOut()));
    socket.on("error", reject);
  });
}

interface Health {
  readonly status: number;
  readonly code: string;
  /** The edge's clock, milliseconds. */
  readonly date: number | undefined;
}

function askHealth(endpoint: Endpoint, tls: TlsFile): Promise<Health> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: endpoint.hostname,
      port: endpoint.port,
      ...(endpoint.servername === undefined ? {} : { servername: endpoint.servername }),
      key: tls.key,
      cert: tls.certificate,
      ...(tls.edgeCa === undefined ? {} : { ca: tls.edgeCa }),
      minVersion: "TLSv1.3",
      path: "/health",
      agent: false,
      timeout: STEP_MILLISECONDS,
    });
    outgoing.on("timeout", () => outgoing.destroy(timedOut()));
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_CHARACTERS)
          outgoing.destroy(Object.assign(new Error("too long"), { code: "protocol" }));
      });
      response.on("error", reject);
      response.on("end", () => {
        const date = Date.parse(response.headers.date ?? "");
        resolve({
          status: response.statusCode ?? 0,
          code: /"code":\s*"([a-z][a-z0-9_.]{0,48})"/.exec(text)?.[1] ?? "unknown",
          date: Number.isNaN(date) ? undefined : date,
        });
      });
    });
    outgoing.end();
  });
}
