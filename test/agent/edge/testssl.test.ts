/** Both TLS listeners under testssl.sh: TLS 1.3 and nothing else, and no weakness that it knows. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TESTSSL } from "../../tasks/debian.ts";
import { startTestEdge, type TestEdge } from "./fixtures/harness.ts";

const NAME = "edge.test";
const BOUND = "127.0.0.2";
/** What belongs to the listener, and not to who vouches for it. With TLS 1.3 alone there is no cipher to choose wrongly. */
const CHECKS = ["--protocols", "--vulnerable"];
const QUIETLY = [
  "--quiet",
  "--color=0",
  "--warnings=off",
  "--nodns=none",
  "--connect-timeout=5",
  "--openssl-timeout=5",
];
const HARMLESS: ReadonlySet<string> = new Set(["OK", "INFO"]);

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

let running: TestEdge;
let scanned: ReadonlyMap<string, readonly Finding[]>;

async function scan(name: string, address: string, port: number): Promise<readonly [string, readonly Finding[]]> {
  const file = join(running.dataDir, "..", `testssl-${name}.json`);
  // Its exit code counts findings; they are read one by one instead.
  await promisify(execFile)(TESTSSL.path, [
    ...QUIETLY,
    ...CHECKS,
    "--ip",
    address,
    "--jsonfile",
    file,
    `https://${NAME}:${port}/`,
  ]).catch((error: unknown) => {
    if (!existsSync(file)) throw error;
  });
  return [name, JSON.parse(readFileSync(file, "utf8")) as readonly Finding[]];
}

describe.skipIf(!existsSync(TESTSSL.path))("testssl.sh", () => {
  beforeAll(async () => {
    running = await startTestEdge({ bind: { target: BOUND, name: NAME, browserCertificates: false } });
    const { port, agentPort } = running;
    scanned = new Map(await Promise.all([scan("agents", "127.0.0.1", agentPort), scan("dashboard", BOUND, port)]));
  });
  afterAll(() => running.stop());

  it.each(["agents", "dashboard"])("finds nothing but TLS 1.3 on the listener of the %s", (name) => {
    const offered = (scanned.get(name) ?? [])
      .filter(({ id, finding }) => /^(?:SSL|TLS)/.test(id) && finding.startsWith("offered"))
      .map(({ id }) => id);
    expect(offered).toEqual(["TLS1_3"]);
  });

  it.each(["agents", "dashboard"])("finds no weakness on the listener of the %s", (name) => {
    const findings = scanned.get(name) ?? [];
    const ids = findings.map(({ id }) => id);
    for (const looked of ["heartbleed", "CCS", "ROBOT", "CRIME_TLS", "BREACH", "LUCKY13", "secure_client_renego"])
      expect(ids).toContain(looked);
    expect(findings.filter(({ severity }) => !HARMLESS.has(severity))).toEqual([]);
  });
});
