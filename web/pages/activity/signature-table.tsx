/** The signature log: every signature that was verified or refused, with the rule that refused it. */
import { Clock } from "../../components/time.tsx";
import { State } from "../../components/state.tsx";
import { formatDay } from "../../format.ts";
import { formatRoute, type Route } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { LedgerEntry } from "../../state/backend.ts";
import type { Shape } from "../../state/condition.ts";
import { reasonOf } from "./sentences.tsx";
import { signatureOf, type Signature, type SignatureVerdict } from "./signatures.ts";

interface TableProps {
  readonly entries: readonly LedgerEntry[];
  readonly route: Extract<Route, { page: "activity" }>;
}

const verdicts = {
  verified: { shape: "ok", word: "Verified here" },
  taken: { shape: "unknown", word: "Taken by the edge" },
  refused: { shape: "bad", word: "Refused" },
  false: { shape: "bad", word: "Does not add up" },
} as const satisfies Record<SignatureVerdict, { readonly shape: Shape; readonly word: string }>;

export function SignatureTable({ entries, route }: TableProps) {
  return (
    <div class="card">
      <div class="table-wrap" tabIndex={0} role="region" aria-label="Signatures">
        <table class="table signatures">
          <thead>
            <tr>
              <th scope="col">Entry</th>
              <th scope="col">When</th>
              <th scope="col">Signed</th>
              <th scope="col">By</th>
              <th scope="col">Verdict</th>
              <th scope="col">Rule</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => {
              const signature = signatureOf(entry);
              return signature === undefined ? null : (
                <Row key={entry.index} entry={entry} signature={signature} route={route} />
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="card-body tiny faint">
        Verified here: this browser checked the signature. Taken by the edge: open the entry to check what it keeps.
        Refused ones never had an effect. Rates and alerts are on the <a href="/alerts">Alerts</a> page.
      </p>
    </div>
  );
}

interface RowProps {
  readonly entry: LedgerEntry;
  readonly signature: Signature;
  readonly route: TableProps["route"];
}

function Row({ entry, signature, route }: RowProps) {
  const { now } = useApp();
  const { shape, word } = verdicts[signature.verdict];
  return (
    <tr>
      <th scope="row">
        <a href={formatRoute({ ...route, entry: entry.index })}>#{entry.index}</a>
      </th>
      <td>
        <span class="faint">{formatDay(entry.at, now.value)}</span> <Clock at={entry.at} />
      </td>
      <td>{signature.message}</td>
      <td>
        <bdi>{signature.by}</bdi>
      </td>
      <td>
        <State shape={shape}>{word}</State>
      </td>
      <td class="rule">
        {signature.rule !== undefined && (
          <>
            <code>{signature.rule}</code> <span class="small muted">{reasonOf(signature.rule)}</span>
          </>
        )}
      </td>
    </tr>
  );
}
