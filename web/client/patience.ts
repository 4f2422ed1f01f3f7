/**
 * How long to wait before a question is asked again that the edge found to be one too many. Only for questions: what
 * changes something is not sent twice by itself.
 */

/** Longer than this somebody should hear of it instead of looking at a page that does not move. */
const MAX_WAIT_SECONDS = 30;
/** A page that reads a long log waits a second now and then; one that waits in vain says so in the end. */
export const MAX_WAITS = 5;

/** Seconds; undefined: do not ask again. */
export function patienceFor(method: string, response: Response): number | undefined {
  if (method !== "GET" || response.status !== 429) return undefined;
  const stated = response.headers.get("retry-after") ?? "";
  if (!/^\d{1,5}$/.test(stated) || Number(stated) > MAX_WAIT_SECONDS) return undefined;
  return Math.max(1, Number(stated));
}
