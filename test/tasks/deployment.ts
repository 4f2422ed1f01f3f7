/** The process around a deployment: its build, its terminal, its environment. What it does is agent/deploy/'s. */
import path from "node:path";
import { createInterface } from "node:readline/promises";
import type { BundlePlaces } from "../../agent/deploy/bundle.ts";
import { runProgram } from "../../agent/deploy/program.ts";
import { root, runNode } from "./stage.ts";

/** A folder of its own: what runs here from dist/ is not exchanged underneath. */
const places: BundlePlaces = {
  dist: path.join(root, ".cache", "deploy"),
  wranglerConfig: path.join(root, "wrangler.toml"),
};

export function runDeployment(name: "deploy" | "destroy"): Promise<number> {
  const uid = process.getuid?.();
  if (uid === undefined) throw new TypeError("a deployment needs a system with users");
  return runProgram(
    { name, args: process.argv.slice(2), bundle: build, now: () => Math.floor(Date.now() / 1_000) },
    {
      out: (line) => void process.stdout.write(`${line}\n`),
      err: (line) => void process.stderr.write(`${line}\n`),
      ask: process.stdin.isTTY ? ask : undefined,
      environment: process.env,
      uid,
    },
  );
}

async function build(): Promise<BundlePlaces> {
  const code = await runNode([path.join(root, "agent", "build.mjs"), places.dist]);
  if (code !== 0) throw new Error("The build failed; the reason is above.");
  return places;
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
