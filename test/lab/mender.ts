/** Our own mending, on a server of the lab: orders as the warden gives them, and what the server's disk says of it. */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import * as v from "valibot";
import { postureBundle } from "../../agent/agent-bundle.ts";
import { answerSchema, type Answer, type Order, type Wanted } from "../../agent/host/posture/door.ts";
import type { Fix, Plan } from "../../protocol/posture/plan.ts";
import { labDirectory } from "./leftovers.ts";
import type { Machine } from "./machine.ts";

const HOME = "/opt/lab-mender";
const NODE = "/usr/local/bin/node";
const PROGRAM = `${HOME}/posture.cjs`;
const DIRECTORY = "/var/lib/clawhold/host/posture";
const STOP_AT = "/run/lab-stop-at";
const STOPPED = "/run/lab-stopped";

/** Everything of a directory: kind, mode, owner, content. */
const LIST = `
  const { createHash } = require("node:crypto");
  const { lstatSync, readdirSync, readFileSync, readlinkSync } = require("node:fs");
  const rows = {};
  const walk = (path) => {
    const facts = lstatSync(path);
    const of = [(facts.mode & 0o7777).toString(8), facts.uid, facts.gid];
    if (facts.isSymbolicLink()) rows[path] = ["link", readlinkSync(path)].join(" ");
    else if (facts.isDirectory()) {
      rows[path] = ["directory", ...of].join(" ");
      for (const name of readdirSync(path)) walk(path + "/" + name);
    } else if (facts.isFile()) rows[path] = ["file", ...of, createHash("sha256").update(readFileSync(path)).digest("hex")].join(" ");
  };
  for (const path of process.argv.slice(1)) walk(path);
  console.log(JSON.stringify(rows));`;

export type Tree = Readonly<Record<string, string>>;

export class Mender {
  readonly #machine: Machine;
  /** What the program said of its last order. */
  said = "";

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Puts the program on a running machine. `stepping`: the one that can be stopped after a step. */
  static async on(machine: Machine, { stepping = false } = {}): Promise<Mender> {
    const directory = await mkdtemp(path.join(labDirectory, "mender-"));
    const entry = path.join(import.meta.dirname, "stepping-posture.ts");
    try {
      await build({
        ...postureBundle(directory),
        ...(stepping ? { entryPoints: { posture: entry } } : {}),
        logLevel: "silent",
      });
      writeFileSync(path.join(directory, "version"), "0.0.0\n");
      await machine.copyIn(directory, HOME);
    } finally {
      await rm(directory, { recursive: true });
    }
    return new Mender(machine);
  }

  async order(order: Order): Promise<Answer> {
    const argv = [NODE, PROGRAM, "order", "--directory", DIRECTORY];
    const { code, stdout, stderr } = await this.#machine.run(argv, {
      input: JSON.stringify(order),
      timeoutSeconds: 300,
    });
    this.said = stderr;
    if (stdout === "") throw new Error(`no answer, code ${String(code)}: ${stderr}`);
    return v.parse(answerSchema, JSON.parse(stdout));
  }

  async plan(wanted: Wanted): Promise<{ readonly plan: Plan; readonly subject: string }> {
    const answer = await this.order({ verb: "plan", wanted });
    if (answer.kind !== "plan") throw new Error(`no plan: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** What a person does: looks at the plan, then signs it. */
  async apply(wanted: Wanted): Promise<Answer> {
    const { subject } = await this.plan(wanted);
    return this.order({ verb: "apply", wanted, subject, author: "owner" });
  }

  rollback(fix: string): Promise<Answer> {
    return this.order({ verb: "rollback", fix, author: "owner" });
  }

  async fixes(): Promise<readonly Fix[]> {
    const answer = await this.order({ verb: "fixes" });
    return answer.kind === "fixes" ? answer.fixes : [];
  }

  /** Names and states by the files alone: an order would take back what it finds. */
  async statesOnDisk(): Promise<Readonly<Record<string, Fix["state"]>>> {
    const script = `
      const { readdirSync, readFileSync } = require("node:fs");
      const of = (fix) => JSON.parse(readFileSync(process.argv[1] + "/" + fix + "/record.json", "utf8")).state;
      const fixes = readdirSync(process.argv[1]).filter((fix) => readdirSync(process.argv[1] + "/" + fix).includes("record.json"));
      console.log(JSON.stringify(Object.fromEntries(fixes.map((fix) => [fix, of(fix)]))));`;
    return JSON.parse(await this.#machine.must([NODE, "-e", script, `${DIRECTORY}/fixes`])) as Record<
      string,
      Fix["state"]
    >;
  }

  /** Starts a fix that will stop after this step; resolves to the stopped program's process id. */
  async stopAt(step: string, wanted: Wanted): Promise<string> {
    const { subject } = await this.plan(wanted);
    await this.#machine.write(STOP_AT, step);
    await this.#machine.delete(STOPPED);
    const order = JSON.stringify({ verb: "apply", wanted, subject, author: "owner" });
    await this.#machine.write("/run/lab-order.json", order);
    // As an installed host starts it: a unit of its own, which nobody else's end takes down.
    const unit = ["--quiet", "--collect", "--unit=lab-fix", "--property=StandardInput=file:/run/lab-order.json"];
    await this.#machine.must(["/usr/bin/systemd-run", ...unit, "--", NODE, PROGRAM, "order", "--directory", DIRECTORY]);
    for (;;) {
      const { code, stdout } = await this.#machine.run(["/usr/bin/cat", STOPPED]);
      if (code === 0 && stdout.trim() !== "") return stdout.trim();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Lets a stopped one go on. */
  async goOn(): Promise<void> {
    await this.#machine.delete(STOP_AT);
  }

  async tree(...places: readonly string[]): Promise<Tree> {
    return JSON.parse(await this.#machine.must([NODE, "-e", LIST, ...places])) as Tree;
  }
}
