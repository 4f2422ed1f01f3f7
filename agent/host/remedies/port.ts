/** SSH's next port: drawn once, and kept until it is used, so that the plan that was signed is the plan that is carried out. */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { systemCode } from "../../shared/edge-error.ts";

/** Above what only root opens and what people choose, below what the kernel lends to clients (32768 and up). */
const LOWEST = 20_000;
const HIGHEST = 32_000;

export function drawPort(directory: string): number {
  const file = join(directory, "ssh-port");
  try {
    const kept = Number(readFileSync(file, "utf8"));
    if (Number.isSafeInteger(kept) && kept >= LOWEST && kept < HIGHEST) return kept;
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  const port = randomInt(LOWEST, HIGHEST);
  writeFileAtomically(file, `${String(port)}\n`);
  return port;
}
