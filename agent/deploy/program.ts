/**
 * `npm run deploy` and `npm run destroy`: what they take and what they say. A program of the clone, not of the installed
 * package: it uploads what was built here. Like the other commands it touches no process but by the values it is given.
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import type { CliIo } from "../cli/io.ts";
import { EXIT, type ExitCode } from "../cli/io.ts";
import { DEFAULT_PORT } from "../cli/up/ports.ts";
import { DASHBOARD_HOSTNAME, hostHeader } from "../edge/loopback.ts";
import { EdgeError } from "../shared/edge-error.ts";
import { NO_BUNDLE, type Bundle, type BundlePlaces } from "./bundle.ts";
import type { Context } from "./change.ts";
import { deploy, destroy, type Planned } from "./deploy.ts";
import { DeployError } from "./deploy-error.ts";
import { openContext } from "./open.ts";
import { tokenFileOf } from "./steps/access-token.ts";
import type { SetupOffer } from "./steps/setup-link.ts";

export type ProgramIo = Pick<CliIo, "out" | "err" | "ask" | "environment" | "uid">;

export const DEFAULT_CONFIG = "clawhold.deploy.json";

const HELP = `npm run deploy -- [options]      bring the edge to a Cloudflare account, or bring it up to date
npm run destroy -- [options]     take it away again, with everything in it

Both look first, say what they will do, do it, and read everything back. Killed anywhere, the next run goes on.

  --plan                 say what would be done, and do nothing
  --config <file>        what to deploy (default: ${DEFAULT_CONFIG}); docs/DEPLOY.md shows one
  --json                 one JSON object a line on standard output, errors on standard error
  --new-link             deploy: another setup link, in the place of one that is still good
  --yes-destroy <name>   destroy: the dashboard's name, for scripts; otherwise it is asked for

The API token is read from the file that CLOUDFLARE_API_TOKEN_FILE or the configuration names, mode 600.`;

const OPTIONS = {
  plan: { type: "boolean" },
  config: { type: "string" },
  json: { type: "boolean" },
  "new-link": { type: "boolean" },
  "yes-destroy": { type: "string" },
  help: { type: "boolean" },
} as const;

export interface ProgramInput {
  readonly name: "deploy" | "destroy";
  readonly args: readonly string[];
  readonly bundle: BundlePlaces | Bundle | (() => Promise<BundlePlaces>);
  readonly now: () => number;
  /** Tests only. */
  readonly fetch?: typeof fetch;
  readonly readRetries?: number;
}

export async function runProgram(input: ProgramInput, io: ProgramIo): Promise<ExitCode> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(input);
  } catch (error) {
    io.err(`${error instanceof Error ? error.message.split(". ")[0] : String(error)}. --help shows what there is.`);
    return EXIT.usage;
  }
  if (values.help === true) {
    io.out(HELP);
    return EXIT.ok;
  }
  const swallowed = keptByNpm(io.environment);
  if (swallowed !== undefined) {
    io.err(
      `npm kept ${swallowed} for itself, so nothing was done. Type it after --: npm run ${input.name} -- ${swallowed}`,
    );
    return EXIT.usage;
  }
  const voice = new Voice(io, values.json === true);
  try {
    const bundle = await bundleOf(input);
    const context = await openContext({
      configPath: values.config ?? DEFAULT_CONFIG,
      uid: io.uid,
      now: input.now,
      environment: io.environment,
      bundle,
      ...(input.fetch === undefined ? {} : { fetch: input.fetch }),
      ...(input.readRetries === undefined ? {} : { readRetries: input.readRetries }),
    });
    if (input.name === "deploy") await runDeploy(context, values, voice);
    else await runDestroy(context, values, { voice, io });
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof DeployError) && !(error instanceof EdgeError)) throw error;
    voice.fail(error);
    return error instanceof DeployError && error.code === "unreachable" ? EXIT.unreachable : EXIT.failed;
  }
}

function parse({ name, args }: ProgramInput): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"] {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false });
  const foreign = name === "deploy" ? "yes-destroy" : "new-link";
  if (values[foreign] !== undefined) throw new TypeError(`npm run ${name} takes no --${foreign}`);
  return values;
}

/**
 * An option that was typed without the -- which npm wants before it: npm hands it over as an environment variable, and
 * --plan, of which it makes -p -l -a -n, as three others. Without this a look would be a deployment.
 */
function keptByNpm(environment: ProgramIo["environment"]): string | undefined {
  const has = (name: string) => environment[`npm_config_${name}`] === "true";
  if (["plan", "parseable,long,all"].some((names) => names.split(",").every(has))) return "--plan";
  return ["config", "new-link", "yes-destroy"]
    .filter((name) => environment[`npm_config_${name.replace("-", "_")}`] !== undefined)
    .map((name) => `--${name}`)[0];
}

/** Whatever is taken away was not built for it. */
function bundleOf({ name, bundle }: ProgramInput): Promise<BundlePlaces | Bundle> {
  if (name === "destroy") return Promise.resolve(NO_BUNDLE);
  return Promise.resolve(typeof bundle === "function" ? bundle() : bundle);
}

type Values = ReturnType<typeof parse>;

async function runDeploy(context: Context, values: Values, voice: Voice): Promise<void> {
  let offer: SetupOffer | undefined;
  const options = { isPlanOnly: values.plan === true, isNewLinkWanted: values["new-link"] === true };
  await deploy(context, options, {
    plan: (planned, notes) => voice.plan(planned, notes),
    done: (planned) => voice.done(planned),
    verified: () => voice.verified(),
    offer: (made) => {
      offer = made;
    },
  });
  if (!options.isPlanOnly) voice.end(context, offer);
}

async function runDestroy(
  context: Context,
  values: Values,
  { voice, io }: { readonly voice: Voice; readonly io: ProgramIo },
): Promise<void> {
  const { dashboard } = context.wanted.config;
  let isNothing = false;
  await destroy(context, {
    plan: (planned) => {
      isNothing = planned.length === 0;
      voice.plan(planned, []);
    },
    confirm: async () => {
      if (values.plan === true) return false;
      if (values["yes-destroy"] !== undefined) return values["yes-destroy"] === dashboard;
      if (io.ask === undefined) return false;
      const typed = await io.ask(
        `All of this is removed, with the workspace, its log and its hosts' connections. There is no way back. Type ${dashboard} to remove it: `,
      );
      return typed.trim() === dashboard;
    },
    done: (planned) => voice.done(planned),
  }).catch((error: unknown) => {
    if (!(values.plan === true && error instanceof DeployError && error.code === "not_confirmed")) throw error;
  });
  if (values.plan === true) return;
  rmSync(context.record.folder, { recursive: true, force: true });
  voice.removed(dashboard, isNothing);
}

/** For a person, or as JSON. Never a secret, but for the setup link, which is told once. */
class Voice {
  readonly #io: ProgramIo;
  readonly #isJson: boolean;

  constructor(io: ProgramIo, isJson: boolean) {
    this.#io = io;
    this.#isJson = isJson;
  }

  plan(planned: readonly Planned[], notes: readonly string[]): void {
    const changes = planned.map(({ step, change: { kind, what } }) => ({ step, kind, what }));
    const lines = changes.map(({ step, kind, what }) => `  ${kind.padEnd(7)} ${step}: ${what}`);
    const empty = ["Plan: nothing to do. Everything is as wanted."];
    this.#say({ event: "plan", changes, notes }, lines.length === 0 ? empty : ["Plan", ...lines]);
    if (!this.#isJson) for (const note of notes) this.#io.out(`  note    ${note}`);
  }

  done({ step, change: { kind, what } }: Planned): void {
    this.#say({ event: "done", step, kind, what }, [`done    ${step}: ${what}`]);
  }

  verified(): void {
    this.#say({ event: "verified" }, ["Read back: all of it is as planned."]);
  }

  end(context: Context, offer: SetupOffer | undefined): void {
    const { dashboard } = context.wanted.config;
    const { workspace, setupEnds } = context.found;
    const edge = `https://${dashboard}`;
    const ui = `clawhold ui --edge ${edge} --access-token-file ${tokenFileOf(context)}`;
    if (offer !== undefined) {
      const url = `http://${hostHeader(DASHBOARD_HOSTNAME, DEFAULT_PORT)}/setup#${offer.fragment}`;
      this.#say({ event: "setup-link", edge, url, ends: offer.ends }, [
        "",
        "Set up, on the machine that you sit at. The root of trust is made there, on no page of the edge:",
        `  1. Start   ${ui} --setup`,
        `  2. Open    ${url}`,
        `The link works once, until ${clock(offer.ends)}. New names may take some minutes before they answer.`,
      ]);
    } else if (workspace !== undefined) {
      this.#say({ event: "ready", edge }, ["", `Ready. Sign in with: ${ui}`]);
    } else {
      this.#say({ event: "setup-open", edge, ends: setupEnds }, [
        "",
        `A setup link that was shown before is good until ${clock(setupEnds ?? 0)}. For another one: npm run deploy -- --new-link`,
      ]);
    }
  }

  removed(dashboard: string, isNothing: boolean): void {
    this.#say({ event: "removed", dashboard }, [
      isNothing ? `Nothing of ${dashboard} is there.` : `Removed. Nothing of ${dashboard} is left.`,
    ]);
  }

  fail(error: DeployError | EdgeError): void {
    this.#io.err(
      this.#isJson ? JSON.stringify({ event: "error", code: error.code, message: error.message }) : error.message,
    );
  }

  #say(event: object, lines: readonly string[]): void {
    if (this.#isJson) this.#io.out(JSON.stringify(event));
    else for (const line of lines) this.#io.out(line);
  }
}

function clock(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
