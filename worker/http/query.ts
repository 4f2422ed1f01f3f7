/** Query parameters: refused, not repaired. */
import { problem } from "./problems.ts";

/** A non-negative whole number, or undefined when absent. @throws {ProblemError} `malformed_request` */
export function readCount(query: URLSearchParams, name: string): number | undefined {
  const values = query.getAll(name);
  const [text] = values;
  if (text === undefined) return undefined;
  if (values.length !== 1 || !/^(0|[1-9]\d{0,14})$/.test(text)) throw problem("malformed_request", name);
  return Number(text);
}
