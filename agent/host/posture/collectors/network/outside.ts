/**
 * What the edge saw when somebody let it look from outside. Read from the file that the warden keeps; nothing is asked here. It
 * is the word of an edge that may be hostile, so checks take it as a witness against this host and never for it.
 */
import type { OutsideLook } from "../../../../../protocol/posture/outside.ts";
import * as v from "valibot";
import { outsideLookSchema } from "../../../../../protocol/posture/outside.ts";
import type { Setting } from "../../collector.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import { isFresh, outsideFile } from "../../outside-look.ts";
import { parsedJson } from "./nft/json.ts";

export async function outsideFact({ machine, directory }: Setting): Promise<Fact<OutsideLook>> {
  const source = "a look from outside";
  if (directory === undefined) return unknown("not_run", source);
  const file = await machine.read(outsideFile(directory));
  const result = v.safeParse(outsideLookSchema, file.kind === "text" ? parsedJson(file.text) : undefined);
  if (!result.success) return unknown("not_run", source);
  const look = result.output;
  if (!isFresh(look, machine.now())) return unknown("stale", source);
  return known(look, {
    level: "probed",
    source: sourceOf(look),
    at: look.at,
    raw: JSON.stringify(look),
    excerpt: wordsOf(look),
  });
}

function sourceOf({ address, vantage }: OutsideLook): string {
  const from = vantage === "internet" ? "from outside" : "from its own network";
  return `tcp ${address}, probed ${from} by the edge`;
}

function wordsOf({ ports }: OutsideLook): string {
  return ports.map(({ port, state }) => `${String(port)} ${state}`).join("; ");
}
