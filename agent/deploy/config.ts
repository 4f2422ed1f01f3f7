/**
 * What a person wants deployed, from one file without a secret, and the names that follow from it. The names carry a mark
 * of account, zone and Worker: what has them was made by this deployment and by no other, also after a crash that left no
 * note behind. Reads no file but the one it is given.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { systemCode } from "../shared/edge-error.ts";
import { DeployError } from "./deploy-error.ts";

const hostname = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/),
);
const identifier = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const filePath = v.pipe(v.string(), v.minLength(1), v.maxLength(4_096));

const configSchema = v.strictObject({
  v: v.literal(1),
  account: identifier,
  zone: hostname,
  /** Name of the Worker. */
  name: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)), "clawhold"),
  dashboard: hostname,
  agents: hostname,
  /** Who may pass Access: people of these addresses, or of these mail domains. */
  people: v.pipe(
    v.strictObject({
      emails: v.optional(v.array(v.pipe(v.string(), v.email(), v.maxLength(254))), []),
      domains: v.optional(v.array(hostname), []),
    }),
    v.check(({ emails, domains }) => emails.length + domains.length > 0),
  ),
  /** File of the API token that makes all this, unless CLOUDFLARE_API_TOKEN_FILE names it. */
  tokenFile: v.optional(filePath),
  /** File of the API token with which the Worker asks for agents' certificates ("SSL and Certificates" of the zone). */
  certificateTokenFile: filePath,
  /** Ids of further zones whose client certificates may be used when those of this one are all given out. */
  moreCertificateZones: v.optional(v.array(identifier), []),
  /** Every rate limit of the edge times this. */
  rateFactor: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000))),
  /** "off": the way back in for an owner whose lists of networks shut everybody out. */
  networkLists: v.optional(v.literal("off")),
  /** True when nothing else is served from this zone: its settings for all names may then be changed. */
  zoneWide: v.optional(v.boolean(), false),
});
export type DeployConfig = v.InferOutput<typeof configSchema>;

export interface Names {
  /** Ten hex digits; in every name below. */
  readonly mark: string;
  readonly worker: string;
  readonly tag: string;
  readonly database: string;
  readonly serviceToken: string;
  readonly app: string;
  readonly peoplePolicy: string;
  readonly signerPolicy: string;
  /** What the refs of our rules begin with. */
  readonly rule: string;
}

export interface Wanted {
  readonly config: DeployConfig;
  readonly names: Names;
  /** Where files that the configuration names are looked for, and where the deployment keeps its own. */
  readonly directory: string;
}

/** @throws {DeployError} `config_unusable` */
export function readConfig(path: string): Wanted {
  const parsed = v.safeParse(configSchema, readJson(path));
  if (!parsed.success)
    throw unusable(path, `${v.getDotPath(parsed.issues[0]) ?? "it"} is missing, unknown or malformed`);
  const config = parsed.output;
  for (const name of [config.dashboard, config.agents]) {
    if (!name.endsWith(`.${config.zone}`)) throw unusable(path, `${name} is not a name inside ${config.zone}`);
  }
  if (config.dashboard === config.agents) throw unusable(path, "dashboard and agents are the same name");
  return { config, names: namesOf(config), directory: dirname(resolve(path)) };
}

function namesOf({ account, zone, name }: DeployConfig): Names {
  const mark = createHash("sha256")
    .update(`clawhold deployment\n${account}\n${zone}\n${name}`)
    .digest("hex")
    .slice(0, 10);
  return {
    mark,
    worker: name,
    tag: `clawhold-${mark}`,
    database: `clawhold-${mark}`,
    serviceToken: `clawhold signer ${mark}`,
    app: `clawhold dashboard ${mark}`,
    peoplePolicy: `clawhold people ${mark}`,
    signerPolicy: `clawhold signers ${mark}`,
    rule: `clawhold_${mark}_`,
  };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw unusable(path, "it is not JSON");
    if (systemCode(error) === "ENOENT") throw unusable(path, "there is no such file");
    throw unusable(path, `it cannot be read (${systemCode(error) ?? "unknown"})`);
  }
}

function unusable(path: string, why: string): DeployError {
  return new DeployError(
    "config_unusable",
    `The deployment's configuration ${path} cannot be used: ${why}. docs/DEPLOY.md shows a whole one.`,
  );
}
