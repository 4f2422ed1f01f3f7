/** A workspace that was made the day before yesterday, with people who were added then: they count as several. */
import { utf8Text } from "../../protocol/bytes.ts";
import { signedStatementCodec } from "../../protocol/trust/statements.ts";
import { createCredential } from "../fixtures/authenticator.ts";
import { registerPasskeyAt, type Member } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { applied, stated } from "../fixtures/workspace.ts";
import { foundingOf, now, offerSetup, registerFirst } from "./client.ts";
import { env } from "./environment.ts";

export const HOUR = 3_600;

export async function oldTown(): Promise<Town> {
  const setup = await signerOf("setup");
  await offerSetup(setup);
  const founding = await foundingOf(setup, await registerFirst(setup), (draft) => {
    draft.root["at"] = now() - 30 * HOUR;
  });
  const me = await founding.page.must("setupRoot", { body: founding.body });
  founding.page.signer = await signerOf("session");
  return Town.of({ ...founding, session: String(me["session"]) });
}

/** Straight into the log, as if it had been stated then: the edge takes statements of now only. */
export async function addYesterday(town: Town, id: string, roles: string[]): Promise<Member> {
  const passkey = await createCredential({ rpId: "clawhold.localhost" });
  await registerPasskeyAt(town.page, passkey);
  const state = await town.trust();
  const statement = await stated(
    { state, by: town.founded.passkey },
    { kind: "person.add", body: { id, name: nonceOf(id), roles, credentials: [passkey.pinned] } },
    (draft) => void (draft.statement["at"] = now() - 26 * HOUR),
  );
  const { head } = await applied(state, statement);
  await env.DB.prepare("INSERT INTO statements (workspace, n, hash, signed) VALUES (?, ?, ?, ?)")
    .bind(town.workspace, head.n, head.hash, utf8Text(signedStatementCodec.encode(statement)))
    .run();
  return { id, passkey };
}
