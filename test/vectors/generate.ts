/**
 * Writes the vector files that do not exist yet, and never touches one that does: recorded bytes are a promise.
 * Run: node test/vectors/generate.ts
 */
import { writeFile } from "node:fs/promises";
import { toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { CHALLENGE, honestCommand } from "../fixtures/command.ts";
import { makeWorld } from "../fixtures/workspace.ts";
import { assertionInputs } from "../protocol/rules/assertion-cases.ts";
import { envelopeRules, ruleName } from "../protocol/rules/envelope-rules.ts";
import { edgeSignatures } from "./ed25519-edges.ts";
import { laterMessages } from "./golden-2.ts";
import { endingMessages } from "./golden-3.ts";
import { renewalMessages } from "./golden-4.ts";
import { readingMessages } from "./golden-5.ts";
import { releaseMessages } from "./golden-6.ts";
import { advisoryMessages } from "./golden-7.ts";
import { outsideMessages } from "./golden-8.ts";
import { goldenMessages } from "./golden.ts";
import { teamVectors } from "./record-team.ts";
import type { AssertionVector, EnvelopeVector, Vectors } from "./verdicts.ts";

async function writeNew(name: string, content: object): Promise<void> {
  const path = new URL(name, import.meta.url);
  try {
    await writeFile(path, `${JSON.stringify(content, undefined, 1)}\n`, { flag: "wx" });
    console.log(`${name}: written`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    console.log(`${name}: exists, left as it is`);
  }
}

async function assertionVectors(): Promise<readonly AssertionVector[]> {
  const vectors: AssertionVector[] = [];
  for (const { name, expected, context } of assertionInputs) {
    const { challenge, ...rest } = await context();
    if (rest.assertion.clientData.length > 2_000) continue; // sizes are tested live; no need to store floods
    vectors.push({ name, expected, context: { ...rest, challenge: toBase64url(challenge) } });
  }
  return vectors;
}

async function verdictVectors(): Promise<Vectors> {
  const world = await makeWorld();
  const honest = { name: "honest", expected: "verified", break: () => undefined };
  const bent = envelopeRules
    .filter((rule) => rule.code !== "size")
    .map((rule) => ({ name: ruleName(rule), expected: rule.code as string, break: rule.break }));
  const envelopes: EnvelopeVector[] = [];
  for (const rule of [honest, ...bent]) {
    const { bytes, view } = await honestCommand(world, rule.break);
    const challenge = view.challenge(CHALLENGE);
    envelopes.push({
      name: rule.name,
      envelope: utf8Text(bytes),
      now: view.now,
      ...(challenge === undefined ? {} : { challenge }),
      denied: view.denies("gateway.restart@1"),
      expected: rule.expected,
    });
  }
  return {
    source: "Made by generate.ts from the fixtures; verdicts are the rules', computed before any verifier ran.",
    host: world.host,
    setupKey: world.setupKey,
    root: world.root,
    statements: world.statements,
    signatures: edgeSignatures(),
    assertions: await assertionVectors(),
    envelopes,
  };
}

await writeNew("verdicts.json", await verdictVectors());
await writeNew("messages.json", goldenMessages());
await writeNew("messages-2.json", laterMessages());
await writeNew("verdicts-2.json", await teamVectors());
await writeNew("messages-3.json", endingMessages());
await writeNew("messages-4.json", renewalMessages());
await writeNew("messages-5.json", readingMessages());
await writeNew("messages-6.json", releaseMessages());
await writeNew("messages-7.json", advisoryMessages());
await writeNew("messages-8.json", outsideMessages());
