/**
 * Many hosts of one installation, without its people: rows in its database and certificates of its own authority, as a
 * join leaves them behind. Joining itself is not measured; ten joins a minute would take a day.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { openSql, type RunSql, type Statement } from "../../../agent/edge/d1.ts";
import { makeBrowserCertificate, type KeyPair } from "../../../agent/edge/certificates.ts";
import { hexFingerprint } from "../../../agent/host/link/edge-authority.ts";
import type { Signer } from "../../../protocol/signing.ts";
import { hostIdOf } from "../../../protocol/words.ts";
import { nonceOf, signerOf } from "../../fixtures/keys.ts";
import type { BenchInstallation } from "../installation.ts";

export interface Member {
  readonly host: string;
  readonly key: Signer;
  readonly cosignKey: string;
  readonly tls: KeyPair;
}

const LIFE_SECONDS = 86_400;
/** Rows in one transaction. */
const BATCH = 200;

export async function enroll(installation: BenchInstallation, count: number): Promise<readonly Member[]> {
  const { dataDir, operator } = installation;
  const workspace = operator.state?.workspace ?? "";
  const { agentAuthority } = JSON.parse(readFileSync(path.join(dataDir, "keys", "edge.json"), "utf8")) as {
    readonly agentAuthority: KeyPair;
  };
  const run = openSql(path.join(dataDir, "run", "d1.sock"));
  const now = Math.floor(Date.now() / 1_000);
  const members: Member[] = [];
  let rows: Statement[] = [];
  for (let i = 0; i < count; i += 1) {
    const key = await signerOf(`bench host ${String(i)}`);
    const cosignKey = nonceOf(`bench cosign ${String(i)}`);
    const host = hostIdOf(key.publicKey);
    // A certificate for TLS clients like any other; that this one says "browser" is read by nobody at this door.
    const tls = await makeBrowserCertificate(agentAuthority, host, new Date());
    const fingerprint = hexFingerprint(new X509Certificate(tls.certificate));
    members.push({ host, key, cosignKey, tls });
    rows.push(...rowsOf({ workspace, host, hostKey: key.publicKey, cosignKey, fingerprint, now }));
    if (rows.length >= BATCH || i === count - 1) rows = await write(run, rows);
  }
  return members;
}

async function write(run: RunSql, rows: readonly Statement[]): Promise<Statement[]> {
  await run(rows);
  return [];
}

interface Joined {
  readonly workspace: string;
  readonly host: string;
  readonly hostKey: string;
  readonly cosignKey: string;
  readonly fingerprint: string;
  readonly now: number;
}

function rowsOf({ workspace, host, hostKey, cosignKey, fingerprint, now }: Joined): readonly Statement[] {
  return [
    {
      sql: "INSERT INTO hosts (workspace, host, host_key, cosign_key, label, colocated, joined_at) VALUES (?, ?, ?, ?, ?, 0, ?)",
      params: [workspace, host, hostKey, cosignKey, host.slice(0, 12), now],
    },
    {
      sql: "INSERT INTO certificates (fingerprint, workspace, host, valid_from, valid_until, issued_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      params: [fingerprint, workspace, host, now - 60, now + LIFE_SECONDS, now, now],
    },
  ];
}
