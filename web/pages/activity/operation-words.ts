/** An operation in a sentence: as what was done, and as what was to be done. */
import { operationWords } from "../../../protocol/operation-words.ts";
import { isOperationName } from "../../../protocol/operations.ts";

/** "restarted the gateway", or the operation's own name when this page is older than the operation. */
export function pastOf(operation: string | undefined): string {
  if (operation === undefined) return "ran a command";
  return isOperationName(operation) ? operationWords[operation].past : `ran ${operation}`;
}

export function verbOf(operation: string | undefined): string {
  if (operation === undefined) return "run a command";
  if (!isOperationName(operation)) return `run ${operation}`;
  const { verb } = operationWords[operation];
  return verb.charAt(0).toLowerCase() + verb.slice(1);
}
