/** Sentences about one of several gateways. */
import type { FactReader } from "../../facts.ts";

/** Names the gateway where there is more than one. */
export function of(gateway: string, reader: FactReader, sentence: string): string {
  const found = reader.get("gateway.found");
  return found.kind === "known" && found.value.length > 1 ? `Gateway of ${gateway}: ${sentence}` : sentence;
}

/** The reason code of a machine without any gateway, seen by somebody who could have seen one. */
export function noGateway(reader: FactReader): string | undefined {
  const found = reader.get("gateway.found");
  // One that was seen and not looked into makes the fact unknown.
  return found.kind === "known" && found.value.length === 0 ? "no_gateway" : undefined;
}
