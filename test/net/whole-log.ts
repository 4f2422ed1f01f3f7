/** The activity log as the page saves it: approved by a touch, then part after part. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { digestOf } from "../../protocol/signing.ts";
import type { HeadlessOperator } from "../e2e/operator.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";

export async function wholeLog(operator: HeadlessOperator): Promise<string> {
  const { origin, credential: passkey, session } = operator;
  const founded = {
    workspace: operator.state?.workspace ?? "",
    session: digestOf("session", fromBase64url(session.body)),
    passkey,
  };
  const change = { format: "jsonl", purpose: "backup", filter: {} };
  const body = await approvedBody(founded, { endpoint: "exportStart", change }, { knobs: { origin } });
  const { export: name } = (await operator.call("exportStart", { body })) as { readonly export: string };
  let text = "";
  let query = "";
  for (;;) {
    const path = `/api/exports/${name}/part${query}`;
    const part = (await operator.call("exportPart", { path })) as { readonly text: string; readonly next?: string };
    text += part.text;
    if (part.next === undefined) return text;
    query = `?cursor=${part.next}`;
  }
}
