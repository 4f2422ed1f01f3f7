/** What a month costs on Cloudflare: counts anew, and writes docs/COST.md from the counts. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { row, type Bench } from "./bench.ts";
import { countUnits } from "./cost/count.ts";
import { costDocument, type Measured } from "./cost/document.ts";
import { priceOf, totalOf, usageOf } from "./cost/model.ts";

const here = import.meta.dirname;
const COUNTS = path.join(here, "cost", "counts.json");
export const DOCUMENT = path.join(here, "..", "..", "docs", "COST.md");

export function measuredCounts(): Measured {
  return JSON.parse(readFileSync(COUNTS, "utf8")) as Measured; // our own file
}

export const cost: Bench = {
  name: "cost",
  about: "a month on Cloudflare, from counted requests, frames and rows; writes docs/COST.md",
  async run() {
    const units = await countUnits();
    const measured: Measured = { at: new Date().toISOString().slice(0, 10), units };
    writeFileSync(COUNTS, `${JSON.stringify(measured, undefined, 2)}\n`);
    writeFileSync(DOCUMENT, costDocument(measured));
    return [10, 1_000, 100_000].flatMap((hosts) => [
      row({ name: `${String(hosts)} hosts, idle`, value: total(hosts, 0, 0), unit: "USD a month" }),
      row({ name: `${String(hosts)} hosts, in use`, value: total(hosts, 10, 8), unit: "USD a month" }),
    ]);

    function total(hosts: number, commands: number, watchedHours: number): number {
      return totalOf(priceOf(usageOf({ hosts, commands, watchedHours }, units)));
    }
  },
};
