/** Another person of a workspace, brought in as a person would be: invited, enrolled with a passkey, added by statement. */
import { toBase64url } from "../../protocol/bytes.ts";
import { createCredential, registrationJson, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { commit } from "../../protocol/ledger.ts";
import type { HeadlessOperator } from "./operator.ts";

export interface NewPerson {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
}

/** The passkey that the person enrolled, for an authenticator to hold. `beside`: who approves it with the operator. */
export async function bringIn(
  operator: HeadlessOperator,
  { id, name, roles }: NewPerson,
  beside: readonly SoftwareCredential[] = [],
): Promise<SoftwareCredential> {
  const credential = await createCredential({ rpId: operator.credential.pinned.rpId });
  const { token } = (await operator.call("invite", { body: { label: name } })) as { token: string };
  const offered = (await operator.call("invitationOptions", { body: { token, name } })) as { options: string };
  const { challenge } = JSON.parse(offered.options) as { challenge: string };
  const response = JSON.stringify(registrationJson(credential, challenge, { origin: operator.origin }));
  const opening = { salt: toBase64url(crypto.getRandomValues(new Uint8Array(32))), value: name };
  await operator.call("invitationPasskey", { body: { token, response, name: opening } });
  const body = {
    id,
    name: commit({ field: "name", ...opening }),
    roles: [...roles],
    credentials: [{ ...credential.pinned }],
  };
  await operator.declare({ kind: "person.add", body }, beside);
  return credential;
}
