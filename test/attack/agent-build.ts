/**
 * Builds the agent's program as it ships, into a directory of its own, and (for the layer matrix) with single checks
 * cut out of the source on the way. A cut names the exact text it replaces: when the source changes under it, the
 * build fails, so that no cut silently stops cutting. Nothing built here ever leaves its temporary directory.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { agentBundle } from "../../agent/agent-bundle.ts";

const root = path.resolve(import.meta.dirname, "../..");

export interface Cut {
  /** Relative to the repository. */
  readonly file: string;
  /** Text that occurs exactly once in it. */
  readonly from: string;
  readonly to: string;
}

export function cutting(cuts: readonly Cut[]): Plugin {
  const byFile = Map.groupBy(cuts, (cut) => path.join(root, cut.file));
  return {
    name: "cut",
    setup(building) {
      const seen = new Set<string>();
      building.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
        const here = byFile.get(file);
        if (here === undefined) return undefined;
        seen.add(file);
        return { contents: here.reduce(applyCut, readFileSync(file, "utf8")), loader: "ts" };
      });
      building.onEnd(() => {
        const missed = [...byFile.keys()].filter((file) => !seen.has(file));
        return missed.length === 0
          ? undefined
          : { errors: [{ text: `cut: not part of the program: ${missed.join(", ")}` }] };
      });
    },
  };
}

/** Line breaks and indentation are the formatter's; everything else must be as written. */
export function applyCut(source: string, { file, from, to }: Cut): string {
  const words = from.split(/\s+/).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const parts = source.split(new RegExp(words.join(String.raw`\s+`)));
  if (parts.length !== 2) throw new Error(`cut: ${file} has ${String(parts.length - 1)} places like: ${from}`);
  return parts.join(to);
}

/** The path of the built program. */
export async function buildAgent(directory: string, cuts: readonly Cut[] = []): Promise<string> {
  const dist = path.join(directory, "dist");
  mkdirSync(dist, { recursive: true });
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { readonly version: string };
  writeFileSync(path.join(dist, "version"), `${version}\n`);
  await build(agentBundle(dist, [cutting(cuts)]));
  return path.join(dist, "agent.cjs");
}
