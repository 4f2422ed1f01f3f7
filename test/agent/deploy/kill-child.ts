/** A deployment in a process of its own, for tests that kill it. */
import { runProgram } from "../../../agent/deploy/program.ts";
import { killBundle, NOW } from "./rig.ts";

process.exitCode = await runProgram(
  { name: "deploy", args: ["--config", process.argv[2] ?? ""], bundle: killBundle, now: () => NOW },
  {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    ask: undefined,
    environment: process.env,
    uid: process.getuid?.() ?? 0,
  },
);
