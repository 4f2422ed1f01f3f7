/**
 * A real edge behind its front whose log is long: entries are put into its database in whole batches, as its writer would
 * have chained them, because writing them one by one is another bench's business.
 */
import http from "node:http";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openSql, type Row as SqlRow, type RunSql } from "../../../agent/edge/d1.ts";
import { startEdge, type Edge as LocalEdge } from "../../../agent/edge/runtime.ts";
import { utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { endpoints } from "../../../protocol/contracts.ts";
import { TICKET_HEADER } from "../../../protocol/contracts/exports.ts";
import { commit, entryDigest } from "../../../protocol/ledger.ts";
import { approvedBody } from "../../fixtures/edge/edge-action.ts";
import { ORIGIN, type Edge, type Reply } from "../../fixtures/edge/page.ts";
import { Town } from "../../fixtures/edge/town.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { bundleWorker, type Bundle } from "../../parity/bundle.ts";
import { rssMb } from "../../bench/processes.ts";

const BATCH = 1_000;

export interface Taken {
  readonly bytes: number;
  readonly lines: number;
  readonly seconds: number;
  /** Resident memory of the runtime: before, and at most while the copy was taken. */
  readonly beforeMb: number;
  readonly peakMb: number;
}

export class LongLog {
  readonly #bundle: Bundle;
  readonly #edge: LocalEdge;
  readonly town: Town;
  readonly sql: RunSql;

  private constructor(parts: { bundle: Bundle; edge: LocalEdge; town: Town; sql: RunSql }) {
    this.#bundle = parts.bundle;
    this.#edge = parts.edge;
    this.town = parts.town;
    this.sql = parts.sql;
  }

  /** `entries`: beside the few of its founding. */
  static async start(entries: number): Promise<LongLog> {
    const bundle = await bundleWorker();
    const webDir = path.join(bundle.directory, "web");
    mkdirSync(webDir, { recursive: true });
    writeFileSync(path.join(webDir, "index.html"), "<!doctype html><title>Dashboard</title>");
    const dataDir = path.join(bundle.directory, "data");
    const { workerPath: workerBundlePath, migrations } = bundle;
    const log = (): undefined => undefined;
    // The fixtures sign for this origin.
    const port = Number(new URL(ORIGIN).port);
    const options = { dataDir, port, agentPort: 0, workerBundlePath, webDir, migrations, log };
    const edge = await startEdge({ ...options, rateFactor: "1000" });
    const sql = openSql(path.join(dataDir, "run", "d1.sock"));
    const town = await Town.at(doorOf(edge));
    const long = new LongLog({ bundle, edge, town, sql });
    await long.#fill(entries);
    return long;
  }

  get workspace(): string {
    return this.town.workspace;
  }

  async #fill(entries: number): Promise<void> {
    const [rows] = await this.sql([
      { sql: "SELECT idx, hash FROM ledger WHERE workspace = ?1 ORDER BY idx DESC LIMIT 1", params: [this.workspace] },
    ]);
    let index = Number(rows?.[0]?.["idx"]);
    let previous = String(rows?.[0]?.["hash"]);
    for (let made = 0; made < entries; made += BATCH) {
      const batch: SqlRow[] = [];
      const values: SqlRow[] = [];
      for (let i = 0; i < Math.min(BATCH, entries - made); i++) {
        index += 1;
        const salt = nonceOf(`salt ${index % 64}`);
        const value = `203.0.113.${index % 256}`;
        const body = encodeCanonical({
          v: 1,
          workspace: this.workspace,
          index,
          at: 1_750_000_000_000 + index,
          actor: { kind: "host", id: `h-${index % 6}0123456789abcdef` },
          action: "host.connected",
          source: commit({ field: "source", salt, value }),
          detail: {},
          previous,
        });
        const hash = entryDigest(body);
        batch.push({ idx: index, body: utf8Text(body), previous, hash });
        values.push({ idx: index, salt, value });
        previous = hash;
      }
      await this.sql([
        { sql: INSERT_ROWS, params: [this.workspace, JSON.stringify(batch)] },
        { sql: INSERT_VALUES, params: [this.workspace, JSON.stringify(values)] },
      ]);
    }
    // The writer's own head is old now; it finds that out with the first entry, which is not written.
    await this.#ask("csv");
  }

  /** The whole file through the front, as a program takes it. `onChunk`: may be slow. */
  async take(format: string, onChunk: (chunk: Buffer) => void | Promise<void> = () => undefined): Promise<Taken> {
    const ticket = await this.ticket(format);
    const pid = this.#edge.pids.workerd ?? 0;
    const beforeMb = rssMb(pid);
    let [bytes, lines, peakMb] = [0, 0, beforeMb];
    const watch = setInterval(() => (peakMb = Math.max(peakMb, rssMb(pid))), 100);
    const started = performance.now();
    try {
      for await (const chunk of await this.#open(ticket)) {
        bytes += chunk.length;
        for (const byte of chunk) if (byte === LINE_END) lines += 1;
        await onChunk(chunk);
      }
    } finally {
      clearInterval(watch);
    }
    return { bytes, lines, seconds: (performance.now() - started) / 1_000, beforeMb, peakMb };
  }

  async #ask(format: string): Promise<Reply> {
    const change = { format, purpose: "backup", filter: {} };
    const body = await approvedBody(this.town.founded, { endpoint: "exportStart", change });
    return this.town.page.call("exportStart", { body });
  }

  async ticket(format: string): Promise<string> {
    const { export: name } = (await this.#ask(format)).body;
    const issued = await this.town.page.must("exportTicket", { params: { export: String(name) }, body: {} });
    return String(issued["ticket"]);
  }

  #open(ticket: string): Promise<AsyncIterable<Buffer>> {
    const { host, port } = new URL(this.#edge.signerOrigin);
    const headers = { host, [TICKET_HEADER]: ticket, "content-length": "0" };
    const { path: where, method } = endpoints.exportDownload;
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: "127.0.0.1",
        port,
        path: where,
        method,
        headers,
        setHost: false,
        agent: false,
      });
      request.on("error", reject);
      request.on("response", (response) => {
        if (response.statusCode === 200) resolve(response as AsyncIterable<Buffer>);
        else reject(new Error(`download: ${response.statusCode}`));
      });
      request.end();
    });
  }

  async stop(): Promise<void> {
    await this.#edge.stop();
    this.#bundle.remove();
  }
}

const LINE_END = 0x0a;
const INSERT_ROWS = `INSERT INTO ledger (workspace, idx, body, previous, hash)
  SELECT ?1, value ->> 'idx', value ->> 'body', value ->> 'previous', value ->> 'hash' FROM json_each(?2) ORDER BY key`;
const INSERT_VALUES = `INSERT INTO ledger_values (workspace, idx, field, salt, value)
  SELECT ?1, value ->> 'idx', 'source', value ->> 'salt', value ->> 'value' FROM json_each(?2)`;

/** What pages and the supervising process say, as the real front takes it. */
function doorOf(edge: LocalEdge): Edge {
  return {
    async send(via, request) {
      const { pathname, search } = new URL(request.url);
      const body = Buffer.from(await request.arrayBuffer());
      if (via === "admin")
        return Response.json(await edge.admin(pathname, body.length === 0 ? undefined : JSON.parse(body.toString())));
      const { host, port } = new URL(edge.signerOrigin);
      const headers = { ...Object.fromEntries(request.headers), "content-length": String(body.length), host };
      const options = { port, headers, method: request.method, path: pathname + search };
      for (let attempt = 1; ; attempt++) {
        const response = await exchange(options, body);
        // A runtime that was busy closes sockets that rested too long just when the front takes one up again.
        if (response.status !== 503 || attempt === 3 || !(await isRestarting(response))) return response;
      }
    },
    connect: () => Promise.reject(new Error("no host in this town")),
  };
}

async function isRestarting(response: Response): Promise<boolean> {
  return (await response.clone().text()).includes('"edge_restarting"');
}

function exchange(options: http.RequestOptions, body: Buffer): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = http.request({ ...options, host: "127.0.0.1", agent: false, setHost: false });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const headers = Object.entries(response.headers).map(
          ([name, value]) => [name, String(value)] as [string, string],
        );
        resolve(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 500, headers }));
      });
    });
    request.end(body);
  });
}
