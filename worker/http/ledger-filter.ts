/** A filter of the activity log as query parameters. Refused, not repaired. */
import * as v from "valibot";
import { ledgerFilterSchema, type LedgerFilter } from "../../protocol/contracts/ledger.ts";
import { problem } from "./problems.ts";
import { readCount } from "./query.ts";

/** Undefined when nothing is asked for. @throws {ProblemError} `malformed_request` */
export function readLedgerFilter(query: URLSearchParams): LedgerFilter | undefined {
  const since = readCount(query, "since");
  const until = readCount(query, "until");
  const asked = {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...readText(query, "actor"),
    ...readText(query, "action"),
    ...readText(query, "host"),
  };
  if (Object.keys(asked).length === 0) return undefined;
  const result = v.safeParse(ledgerFilterSchema, asked);
  if (!result.success) throw problem("malformed_request", v.getDotPath(result.issues[0]) ?? "filter");
  return result.output;
}

function readText(query: URLSearchParams, name: string): Readonly<Record<string, string>> {
  const values = query.getAll(name);
  const [text] = values;
  if (text === undefined) return {};
  if (values.length !== 1) throw problem("malformed_request", name);
  return { [name]: text };
}
