/**
 * Fetches the archive and its signature from the edge, as the link's user. Believes nothing of what it gets: it only writes it
 * down, within bounds, for the warden to judge.
 */
import { createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { MAX_BUNDLE_BYTES, releasePath, type ReleaseFile } from "../../../protocol/release.ts";
import type { HostLayout } from "../../host/units/layout.ts";
import { EdgeAgent } from "../../host/link/dial.ts";
import { parseEndpoint } from "../../host/link/endpoint.ts";
import { environmentOf, type Environment } from "../../host/link/proxy.ts";
import { InstallError } from "../install-error.ts";
import { readOrder } from "./order.ts";
import { updatePlaces } from "./places.ts";

const TIMEOUT_MILLISECONDS = 60_000;
const FILES = ["clawhold.tar.gz", "release.json"] as const satisfies readonly ReleaseFile[];

const hostFile = v.object({ edge: v.string(), colocated: v.boolean() });
const tlsFile = v.object({ edgeCa: v.optional(v.string()) });

/** @throws {InstallError} */
export async function fetchRelease(layout: HostLayout, environment: Environment): Promise<void> {
  const places = updatePlaces(layout);
  const order = readOrder(places.order);
  if (order === undefined) throw new InstallError("not_installed", "No update was asked for, so nothing was fetched.");
  const { edge, colocated } = v.parse(hostFile, JSON.parse(readFileSync(layout.hostFile, "utf8")));
  const { edgeCa } = v.parse(tlsFile, JSON.parse(readFileSync(`${layout.linkState}/tls.json`, "utf8")));
  const endpoint = parseEndpoint(edge);
  const tls = edgeCa === undefined ? {} : { ca: edgeCa };
  const agent = new EdgeAgent({ endpoint, environment: environmentOf({ colocated }, environment), tls });
  rmSync(places.incoming, { recursive: true, force: true });
  mkdirSync(places.incoming, { mode: 0o700 });
  for (const file of FILES) {
    const from = { host: endpoint.hostname, port: endpoint.port, agent, path: releasePath(order.version, file) };
    await fetchFile(from, join(places.incoming, file));
  }
}

interface From {
  readonly host: string;
  readonly port: number;
  readonly agent: EdgeAgent;
  readonly path: string;
}

async function fetchFile(from: From, to: string): Promise<void> {
  const body = await new Promise<Readable>((resolve, reject) => {
    const outgoing = request({ ...from, method: "GET", timeout: TIMEOUT_MILLISECONDS });
    outgoing.on("error", reject);
    outgoing.on("timeout", () => outgoing.destroy(new Error("timeout")));
    outgoing.on("response", (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.resume();
      reject(new InstallError("step_failed", `The edge has no ${from.path} (${String(response.statusCode)}).`));
    });
    outgoing.end();
  });
  await pipeline(body, bounded(), createWriteStream(to, { flags: "wx", mode: 0o600 }));
}

function bounded(): Transform {
  let size = 0;
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      size += part.length;
      if (size > MAX_BUNDLE_BYTES) done(new InstallError("step_failed", "What the edge sends does not end."));
      else done(null, part);
    },
  });
}
