/** A founded workspace with its admin signed in, and what it takes to admit hosts and command them. */
import { toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { submissionCodec, type Submission } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import { applyRoot } from "../../protocol/trust/apply.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { StatementKind, TrustPage } from "../../protocol/trust/statements.ts";
import { signed, signerOf } from "../fixtures/keys.ts";
import { applied, asserted, stated, type Fields } from "../fixtures/workspace.ts";
import { foundAt, fresh, now, type Edge, type Founded, type Reply } from "./page.ts";
import type { HostPeer } from "./host-peer.ts";

type BodyOf<K extends StatementKind> = Parameters<typeof stated<K>>[1]["body"];

export class Town {
  readonly founded: Founded;

  private constructor(founded: Founded) {
    this.founded = founded;
  }

  static async at(edge: Edge): Promise<Town> {
    return new Town(await foundAt(edge));
  }

  get page(): Founded["page"] {
    return this.founded.page;
  }

  get workspace(): string {
    return this.founded.workspace;
  }

  /** As any page computes it. */
  async trust(): Promise<TrustState> {
    const { page } = (await this.page.must("trust")) as { readonly page: TrustPage };
    if (page.root === undefined) throw new Error("no root");
    const first = await applyRoot(page.root, { workspace: this.workspace });
    if (!first.ok) throw new Error(first.code);
    let { state } = first;
    for (const statement of page.statements) state = await applied(state, statement);
    return state;
  }

  /** States something as the first admin would, through the API. */
  async state<K extends StatementKind>(kind: K, body: BodyOf<K>): Promise<Reply> {
    const statement = await stated({ state: await this.trust(), by: this.founded.passkey }, { kind, body });
    return this.page.call("trustState", { body: statement });
  }

  async admit(peer: HostPeer): Promise<void> {
    const { status, body } = await this.state("host.admit", peer.admission);
    if (status !== 200) throw new Error(JSON.stringify(body));
  }

  /** The certificate of the first session, as the page holds it. */
  async certificate(): Promise<Submission["session"]> {
    const page = await this.page.must("trust");
    const { root } = page["page"] as { root: { session: Submission["session"] } };
    return root.session;
  }

  async prepareBody(host: string, change: Fields = {}): Promise<{ readonly prepare: Fields; readonly digest: string }> {
    const { session } = this.founded;
    const body = encodeCanonical({
      v: 1,
      workspace: this.workspace,
      host,
      actor: { session },
      operation: "host.check@1",
      jti: fresh(),
      ...change,
    });
    return {
      prepare: { ...(await signed(await signerOf("session"), "prepare", body)) },
      digest: digestOf("prepare", body),
    };
  }

  /** An honest submission for one host; `change` bends the intent, `approval` its approval. */
  async submission(
    host: string,
    change: Fields = {},
    approval: Fields = {},
  ): Promise<{ readonly body: Fields; readonly digest: string; readonly bytes: Uint8Array }> {
    const { session, passkey } = this.founded;
    const { head } = await this.trust();
    const intent = encodeCanonical({
      v: 1,
      workspace: this.workspace,
      actor: { session },
      operation: "host.check@1",
      args: {},
      targets: [{ host, challenge: fresh(), iat: now(), expect: {}, sealed: [] }],
      trustHead: head,
      ttl: 120,
      id: fresh(),
      ...change,
    });
    const digest = digestOf("intent", intent);
    const body = encodeCanonical({
      v: 1,
      workspace: this.workspace,
      kind: "intent",
      subject: digest,
      decision: "approve",
      after: 1,
      ...approval,
    });
    const bytes = submissionCodec.encode({
      intent: toBase64url(intent),
      sessionSignature: await (await signerOf("session")).sign("intent", intent),
      session: await this.certificate(),
      approvals: [await asserted(passkey, "approval", { body })],
      sealed: [],
    });
    return { body: { submission: toBase64url(bytes) }, digest, bytes };
  }
}
