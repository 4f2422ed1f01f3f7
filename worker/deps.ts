/** Everything the Worker's parts may use, made once by index.ts from the environment. */
import type { Alerts } from "../durable-objects/alerts.ts";
import type { Refusal } from "../durable-objects/alerts/refusal-counts.ts";
import type { AppendEntry } from "../durable-objects/ledger-client.ts";
import type { Database } from "../durable-objects/db/database.ts";
import type { TrustLog } from "../durable-objects/db/trust-log.ts";
import type { Exports } from "../durable-objects/exports.ts";
import type { Host } from "../durable-objects/host.ts";
import type { Sessions } from "../durable-objects/sessions.ts";
import type { Streams } from "../durable-objects/streams.ts";
import type { LedgerBooks } from "./ledger-books.ts";
import type { Attempts } from "./http/attempts.ts";

export interface Deps {
  readonly db: Database;
  readonly trust: TrustLog;
  readonly ledger: (workspace: string) => AppendEntry;
  readonly books: (workspace: string) => LedgerBooks;
  readonly sessions: (workspace: string) => DurableObjectStub<Sessions>;
  /** Of this isolate. */
  readonly attempts: Attempts;
  readonly alerts: (workspace: string) => DurableObjectStub<Alerts>;
  readonly exports: (workspace: string) => DurableObjectStub<Exports>;
  readonly streams: (workspace: string) => DurableObjectStub<Streams>;
  /** Never fails. */
  readonly countRefusal: (workspace: string, refusal: Refusal) => Promise<void>;
  readonly host: (workspace: string, host: string) => DurableObjectStub<Host>;
  /** base64url public keys of this edge. */
  readonly dispatchKey: () => Promise<string>;
  readonly ledgerKey: () => Promise<string>;
  /** The one origin that this deployment serves from the person's own machine. */
  readonly signerOrigin: string | undefined;
  /** PEM. */
  readonly agentAuthority: { readonly key: string; readonly certificate: string };
}
