/**
 * An edge for the pages about the trust log: takes what the protocol takes, keeps proposals, and says whatever a test
 * wants about sessions and invitations. What the page makes of it is real.
 */
import { fromBase64url } from "../../../protocol/bytes.ts";
import type { InvitationRow } from "../../../protocol/contracts/invitations.ts";
import type { ProposalRow } from "../../../protocol/contracts/proposals.ts";
import type { SessionRow } from "../../../protocol/contracts/sessions.ts";
import type { Asserted, SignedSessionEnd } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../../protocol/trust/apply.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import {
  isRevocation,
  statementCodec,
  type SignedStatement,
  type Statement,
} from "../../../protocol/trust/statements.ts";
import { EdgeClock } from "../../../web/client/clock.ts";
import type { EdgeClient } from "../../../web/client/http.ts";
import { MachineMemory } from "../../../web/client/machine-memory.ts";
import { Statements } from "../../../web/client/statements.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { Vault } from "../../../web/client/vault.ts";
import type { SoftwareCredential } from "../../fixtures/authenticator.ts";
import { asserted, NOW, type World } from "../../fixtures/workspace.ts";

interface Input {
  readonly query?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export class TrustEdge {
  state: TrustState;
  log: SignedStatement[];
  names: readonly object[] = [];
  proposals: ProposalRow[] = [];
  sessions: readonly SessionRow[] = [];
  invitations: readonly InvitationRow[] = [];
  readonly ends: SignedSessionEnd[] = [];
  readonly kept = new Map<string, unknown>();
  readonly asked: string[] = [];
  readonly clock = new EdgeClock();
  /** Answers that a test adds, or puts in the place of one here. */
  readonly answers = new Map<string, (body: unknown) => unknown>();
  /** What the page's own machine remembers. */
  machine: () => Response = () => Response.json({});
  readonly #world: World;

  private constructor(world: World, state: TrustState) {
    this.#world = world;
    this.state = state;
    this.log = [...world.statements];
    this.kept.set("workspace", world.workspace);
    this.clock.set(NOW);
  }

  static async open(world: World): Promise<TrustEdge> {
    const root = await applyRoot(world.root, { workspace: world.workspace });
    if (!root.ok) throw new Error(root.code);
    return new TrustEdge(world, world.state);
  }

  deps() {
    const client = { call: (name: string, input: Input = {}) => this.#answer(name, input) };
    const vault = {
      get: (key: string) => Promise.resolve(this.kept.get(key)),
      set: (key: string, value: unknown) => Promise.resolve(void this.kept.set(key, value)),
    };
    return {
      client: client as unknown as EdgeClient,
      vault: vault as unknown as Vault,
      clock: this.clock,
      memory: new MachineMemory(() => Promise.resolve(this.machine())),
    };
  }

  /** The desk of one person, who touches with this passkey. */
  desk(person: string, passkey: SoftwareCredential, wallClock = () => this.clock.now()): Statements {
    const deps = this.deps();
    return new Statements({
      ...deps,
      trust: new TrustKeeper(deps),
      person: () => person,
      wallClock,
      rpId: passkey.pinned.rpId,
      touch: ({ kind, body }) => asserted(passkey, kind, { body }),
    });
  }

  async #answer(name: string, input: Input): Promise<unknown> {
    this.asked.push(name);
    const said = this.answers.get(name);
    if (said !== undefined) return said(input.body);
    switch (name) {
      case "trust":
        return this.#page(input.query?.["after"]);
      case "trustState":
        return this.#take(input.body as SignedStatement);
      case "proposals":
        return { proposals: this.proposals, now: this.clock.now() };
      case "propose":
        return this.#propose(input.body as Proposed);
      case "joinProposal":
        return this.#join(input.params?.["digest"] ?? "", input.body as { approval: Asserted });
      case "withdrawProposal":
        this.proposals = this.proposals.filter(({ digest }) => digest !== input.params?.["digest"]);
        return { ok: true };
      case "sessions":
        return { sessions: this.sessions, now: NOW };
      case "sessionEnd":
        this.ends.push(input.body as SignedSessionEnd);
        return { ok: true };
      case "invitations":
        return { invitations: this.invitations, now: NOW };
      default:
        throw new TypeError(`nobody asks for ${name} here`);
    }
  }

  #page(after: string | undefined): unknown {
    const from = after === undefined ? 0 : Number(after);
    const statements = this.log.filter((signed) => {
      const statement = read(signed);
      return isRevocation(statement) ? statement.prev.n >= from : statement.prev.n + 1 > from;
    });
    const root = after === undefined ? { root: this.#world.root } : {};
    return { page: { ...root, statements }, head: this.state.head, names: this.names };
  }

  async #take(signed: SignedStatement): Promise<unknown> {
    const result = await applyStatement(this.state, signed);
    if (!result.ok) throw new TroubleError({ code: result.code, what: "The edge refused." });
    this.state = result.state;
    this.log.push(signed);
    return { trustHead: this.state.head };
  }

  #propose({ kind, body, approval, knew }: Proposed): unknown {
    const digest = digestOf("statement", fromBase64url(body));
    const row = {
      kind,
      digest,
      body,
      approvals: [approval],
      by: "p-ada",
      madeAt: this.clock.now(),
      expires: this.clock.now() + 86_400,
    };
    this.proposals.push(knew === undefined ? row : { ...row, knew: [...knew] });
    return { digest };
  }

  #join(digest: string, { approval }: { readonly approval: Asserted }): unknown {
    this.proposals = this.proposals.map((row) =>
      row.digest === digest ? { ...row, approvals: [...row.approvals, approval] } : row,
    );
    return { ok: true };
  }
}

interface Proposed {
  readonly kind: "statement";
  readonly body: string;
  readonly approval: Asserted;
  readonly knew?: readonly string[];
}

export function read({ statement }: SignedStatement): Statement {
  return statementCodec.decode(fromBase64url(statement));
}
