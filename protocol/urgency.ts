/**
 * Which delivery goes first on a busy host. Read from bytes that nobody has verified yet: it decides an order, which the edge
 * decides anyway, and nothing else.
 */
import { fromBase64url } from "./bytes.ts";
import { MalformedError } from "./canonical.ts";
import { envelopeCodec, intentCodec } from "./messages.ts";
import { isOperationName, operations, type Operation } from "./operations.ts";

export function isUrgent(envelope: Uint8Array): boolean {
  try {
    const { operation } = intentCodec.decode(fromBase64url(envelopeCodec.decode(envelope).intent));
    const row: Operation | undefined = isOperationName(operation) ? operations[operation] : undefined;
    return row?.urgent === true;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}
