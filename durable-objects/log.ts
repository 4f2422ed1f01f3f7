/**
 * The edge's log: one JSON object a line on the console. Codes, ids and counts only; never a body, a key, a token or
 * anything that a person or a gateway wrote.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export function logStep(step: string, fields: LogFields): void {
  console.log(JSON.stringify({ step, ...fields }));
}

/** `error` is reduced to its message: stacks name files, causes may hold content. */
export function logFault(code: string, error: unknown, fields: LogFields = {}): void {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
  console.error(JSON.stringify({ fault: code, detail: detail.slice(0, 300), ...fields }));
}
