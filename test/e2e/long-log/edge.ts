/** A log of a hundred thousand entries with its tree, made fast, and a server that answers a page from it. */
import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import type { ActivityRow } from "../../../protocol/contracts.ts";
import { entryDigest } from "../../../protocol/ledger.ts";
import { ZERO_DIGEST } from "../../../protocol/messages.ts";
import { NO_REVOCATIONS } from "../../../protocol/trust/state.ts";
import { FarEnd } from "../../web/client/far-end.ts";
import { SignedLog } from "../../web/client/signed-log.ts";
import { NOW, type World } from "../../fixtures/workspace.ts";
import type { Answer } from "../../web/serve.ts";

/** An entry every ten minutes: nearly two years. */
export const SECONDS_APART = 600;

/** Canonical by construction: members in their order, as the encoder writes them. */
/** `from`: the size whose last entry is now; a longer log goes on from there. */
export function longLog({ workspace, host }: World, size: number, from = size): SignedLog {
  const rows: ActivityRow[] = [];
  let previous = ZERO_DIGEST;
  for (let index = 1; index <= size; index += 1) {
    const at = (NOW - (from - index) * SECONDS_APART) * 1_000;
    const [action, actor, detail, target] =
      index % 10 === 0
        ? ["session.started", `{"id":"p-ada","kind":"person"}`, "{}", ""]
        : ["host.connected", `{"kind":"edge"}`, "{}", `"target":"${host}",`];
    const text = `{"action":"${action}","actor":${actor},"at":${at},"detail":${detail},"index":${index},"previous":"${previous}",${target}"v":1,"workspace":"${workspace}"}`;
    const bytes = utf8(text);
    previous = entryDigest(bytes);
    rows.push({ index, body: toBase64url(bytes), hash: previous });
  }
  return new SignedLog(workspace, rows, { now: NOW });
}

interface Input {
  readonly query?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
}

export function answersOf(world: World, log: SignedLog): Answer {
  const far = new FarEnd(world);
  return async (name, input) => {
    const { query = {}, params = {} } = input as Input;
    if (name === "kept") return { workspace: world.workspace, now: NOW };
    if (name !== "trust") return log.answer(name, { query, params });
    const { root, statements } = far.trust;
    const head = { n: statements.length, hash: world.state.head.hash, revoked: NO_REVOCATIONS };
    const page = query["after"] === undefined ? { root, statements } : { statements: [] };
    return { page, head, names: [] };
  };
}
