/** Everything the Worker's parts may use, made once by index.ts from the environment. */
import type { Alerts } from "../durable-objects/alerts.ts";
import type { Refusal } from "../durable-objects/alerts/refusal-counts.ts";
import type { CertificateAuthority } from "../durable-objects/certificates/authority.ts";
import type { AppendEntry } from "../durable-objects/ledger-client.ts";
import type { Database } from "../durable-objects/db/database.ts";
import type { TrustLog } from "../durable-objects/db/trust-log.ts";
import type { KeyJob } from "../durable-objects/edge-keys.ts";
import type { Exports } from "../durable-objects/exports.ts";
import type { Host } from "../durable-objects/host.ts";
import type { Sessions } from "../durable-objects/sessions.ts";
import type { Streams } from "../durable-objects/streams.ts";
import type { LedgerBooks } from "./ledger-books.ts";
import type { Limits, Verdict } from "../durable-objects/limits.ts";
import type { AccessGate } from "./access/access.ts";
import type { Attempts } from "./http/attempts.ts";
import type { Refusals } from "./http/refusals.ts";
import type { NetworkDoors } from "./http/networks.ts";
import type { StrangerRates } from "./http/rates.ts";

export interface Deps {
  readonly db: Database;
  readonly trust: TrustLog;
  readonly ledger: (workspace: string) => AppendEntry;
  readonly books: (workspace: string) => LedgerBooks;
  readonly sessions: (workspace: string) => DurableObjectStub<Sessions>;
  readonly limits: (workspace: string) => DurableObjectStub<Limits>;
  /** Of this isolate; so are the next three. */
  readonly attempts: Attempts;
  readonly rates: StrangerRates;
  readonly networks: NetworkDoors;
  /** What the counting object refused lately. */
  readonly refusals: Refusals<Verdict>;
  /** Absent: no Cloudflare Access in front. */
  readonly access: AccessGate | undefined;
  readonly alerts: (workspace: string) => DurableObjectStub<Alerts>;
  readonly exports: (workspace: string) => DurableObjectStub<Exports>;
  readonly streams: (workspace: string) => DurableObjectStub<Streams>;
  /** Never fails. */
  readonly countRefusal: (workspace: string, refusal: Refusal) => Promise<void>;
  readonly host: (workspace: string, host: string) => DurableObjectStub<Host>;
  /** base64url public keys of this edge. */
  readonly dispatchKey: () => Promise<string>;
  readonly ledgerKey: () => Promise<string>;
  /** All that it holds for a job: beside the one that a new root names perhaps one that waits. */
  readonly heldKeys: (job: KeyJob) => Promise<readonly string[]>;
  /** The one origin that this deployment serves from the person's own machine. */
  readonly signerOrigin: string | undefined;
  /** wss:// address that agents dial. */
  readonly agentEndpoint: string | undefined;
  /** Signs client certificates. @throws {TypeError} where none is configured as it must be. */
  readonly authority: () => CertificateAuthority;
}
