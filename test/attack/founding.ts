/**
 * Founds a workspace of today for a running agent, statement by statement. Times are the real clock's, because the agent
 * judges them by it. Knows no attack.
 */
import { applyRoot } from "../../protocol/trust/apply.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedRoot, SignedStatement, StatementKind } from "../../protocol/trust/statements.ts";
import { createCredential, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { say, type Said } from "../fixtures/team.ts";
import { applied, DAILY_RP_ID, makeRoot, SIGNER_RP_ID, type Member, type World } from "../fixtures/workspace.ts";

export interface Added {
  readonly roles: readonly string[];
  readonly at: number;
  readonly alg?: "ES256" | "Ed25519";
}

export class Founding {
  readonly admin: SoftwareCredential;
  readonly root: SignedRoot;
  readonly setupKey: string;
  readonly statements: SignedStatement[] = [];
  state: TrustState;
  /** Who approves from now on. */
  by: readonly SoftwareCredential[];

  private constructor(made: Awaited<ReturnType<typeof makeRoot>>, state: TrustState) {
    this.admin = made.admin;
    this.by = [made.admin];
    this.root = made.signed;
    this.setupKey = made.setupKey;
    this.state = state;
  }

  static async begin(at: number): Promise<Founding> {
    const made = await makeRoot((draft) => void (draft.root["at"] = at));
    const first = await applyRoot(made.signed, { setupKey: made.setupKey });
    if (!first.ok) throw new Error(`founding: root refused: ${first.code}`);
    return new Founding(made, first.state);
  }

  async say<K extends StatementKind>(said: Said<K>, at: number): Promise<void> {
    const statement = await say(this.state, said, { by: this.by, at });
    this.state = await applied(this.state, statement);
    this.statements.push(statement);
  }

  /** A person with a passkey for the signer and one for the pages of the edge. */
  async add(name: string, { roles, at, alg = "ES256" }: Added): Promise<Member> {
    const id = `p-${name}`;
    const passkey = await createCredential({ rpId: SIGNER_RP_ID, alg });
    const daily = await createCredential({ rpId: DAILY_RP_ID });
    const credentials = [passkey.pinned, daily.pinned];
    await this.say({ kind: "person.add", body: { id, name: nonceOf(id), roles: [...roles], credentials } }, at);
    return { id, passkey, daily };
  }

  async world(people: World["people"], hostBody: World["hostBody"]): Promise<World> {
    const { root, statements, state, setupKey } = this;
    const { workspace } = state;
    return {
      root,
      statements: [...statements],
      state,
      workspace,
      setupKey,
      people,
      host: hostBody.host,
      hostBody,
      keys: {
        dispatch: await signerOf("dispatch"),
        ledger: await signerOf("ledger"),
        host: await signerOf("host"),
        cosign: await signerOf("host cosign"),
        session: await signerOf("session"),
        stranger: await signerOf("stranger"),
      },
    };
  }
}
