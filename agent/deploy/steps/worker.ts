/**
 * The Worker with its objects, its pages and its secrets, in one upload that Cloudflare takes whole or not at all. Secrets are
 * made here, go there in the first upload, and are kept nowhere else; later uploads keep them without knowing them.
 */
import { createHash } from "node:crypto";
import { DeployError } from "../deploy-error.ts";
import type { Change, Context, Step } from "../change.ts";
import { digestOf } from "../record.ts";
import { makeSecret, NEXT_SECRET_NAMES, SECRET_NAMES, type SecretName } from "../secrets.ts";
import { uploadAssets } from "../upload-assets.ts";

const PERMISSION = "Workers Scripts";
const MODULE = "worker.js";
const MODULE_TYPE = "application/javascript+module";

type Binding = Readonly<Record<string, string>> & { readonly name: string; readonly type: string };

export const worker: Step = {
  name: "Worker",
  look: async (context) => {
    const now = await find(context);
    if (now === undefined) {
      return [{ kind: "create", what: describe(context), apply: () => upload(context, undefined) }];
    }
    refuseLost(now, context);
    const differing = differences(now, context);
    const uploads: Change[] =
      differing.length === 0
        ? []
        : [
            {
              kind: "change",
              what: `Worker ${context.wanted.names.worker}: ${differing.join(", ")}`,
              apply: () => upload(context, now),
            },
          ];
    return [...uploads, ...certificateToken(context)];
  },
  remains: async (context) => {
    const now = await find(context);
    if (now === undefined) return [];
    const { account } = context.wanted.config;
    const { worker: name } = context.wanted.names;
    return [
      {
        kind: "remove",
        what: `Worker ${name}, with its secrets, its pages and everything in its Durable Objects`,
        apply: async () => {
          await context.api.write(PERMISSION, `remove the Worker ${name}`, (client) =>
            client.workers.scripts.delete(name, { account_id: account, force: true }),
          );
        },
      },
    ];
  },
};

/** No name at workers.dev, where there are no client certificates and no Access; nor for previews. */
export const workersDev: Step = {
  name: "workers.dev",
  look: async ({ api, wanted, found }) => {
    const { account } = wanted.config;
    const { worker: name } = wanted.names;
    if (found.workerExists) {
      const now = await api.read(PERMISSION, "read the Worker's name at workers.dev", (client) =>
        client.workers.scripts.subdomain.get(name, { account_id: account }),
      );
      if (!now.enabled && !now.previews_enabled) return [];
    }
    return [
      {
        kind: "change",
        what: "no name at workers.dev, and none for previews",
        apply: async () => {
          await api.write(PERMISSION, "take the Worker's name at workers.dev away", (client) =>
            client.workers.scripts.subdomain.create(name, {
              account_id: account,
              enabled: false,
              previews_enabled: false,
            }),
          );
        },
      },
    ];
  },
  remains: () => Promise.resolve([]),
};

interface Deployed {
  readonly bindings: readonly Binding[];
  readonly tags: readonly string[];
  readonly migrationTag: string | undefined;
}

async function find({ api, wanted, found }: Context): Promise<Deployed | undefined> {
  const { account } = wanted.config;
  const { worker: name, tag } = wanted.names;
  const all = await api.list(PERMISSION, "list the Workers", (client) =>
    client.workers.scripts.list({ account_id: account }),
  );
  const script = all.find(({ id }) => id === name);
  found.workerExists = script !== undefined;
  if (script === undefined) return undefined;
  if (script.tags?.includes(tag) !== true)
    throw new DeployError(
      "worker_taken",
      `The account has a Worker ${name} that this deployment did not make, so it was left as it is. Give another "name" in the configuration, or remove that Worker if nobody needs it.`,
    );
  const settings = await api.read(PERMISSION, `read the Worker ${name}`, (client) =>
    client.workers.scripts.scriptAndVersionSettings.get(name, { account_id: account }),
  );
  const bindings = (settings.bindings ?? []) as unknown as readonly Binding[];
  return { bindings, tags: script.tags, migrationTag: script.migration_tag };
}

/** A key that hosts trust is never made anew in silence. */
function refuseLost({ bindings }: Deployed, { record, found, wanted }: Context): void {
  const has = new Set(bindings.map(({ name }) => name));
  const lost = SECRET_NAMES.find(
    (name) => !has.has(name) && (record.value.secrets.includes(name) || found.workspace !== undefined),
  );
  if (lost === undefined) return;
  throw new DeployError(
    "secret_lost",
    `The Worker ${wanted.names.worker} no longer has its secret ${lost}, and nobody else has it. Hosts trust the old key, so no other is made in its place. Somebody removed it: look at the Worker's history on Cloudflare's dashboard and roll back to a version that has it.`,
  );
}

function describe({ wanted, bundle }: Context): string {
  const { objects, assets } = bundle;
  return `Worker ${wanted.names.worker}: ${objects.bindings.length} kinds of Durable Objects, ${assets.size} files of the dashboard, ${SECRET_NAMES.length} secrets made here and kept only there`;
}

/** Everything but secrets. Ids of what is not there yet are empty, so that they make a difference. */
function plainBindings({ wanted, found, bundle }: Context): readonly Binding[] {
  const { agents, moreCertificateZones, rateFactor, networkLists } = wanted.config;
  const text = (name: string, value: string): Binding => ({ name, type: "plain_text", text: value });
  return [
    { name: "DB", type: "d1", database_id: found.databaseId ?? "" },
    { name: "ASSETS", type: "assets" },
    ...bundle.objects.bindings.map(({ name, className }) => ({
      name,
      type: "durable_object_namespace",
      class_name: className,
    })),
    text("AGENT_ENDPOINT", `wss://${agents}:443`),
    text("ACCESS_TEAM_DOMAIN", found.teamDomain),
    text("ACCESS_AUDIENCE", found.audience ?? ""),
    text("CLIENT_CERTIFICATE_ZONES", JSON.stringify([found.zoneId, ...moreCertificateZones])),
    ...(rateFactor === undefined ? [] : [text("RATE_FACTOR", String(rateFactor))]),
    ...(networkLists === undefined ? [] : [text("NETWORK_LISTS", networkLists)]),
  ];
}

/** Pages and API alike pass the Worker, which asks for Access before it hands out either. */
function assetsConfig({ bundle }: Context): { readonly [name: string]: unknown } {
  return { html_handling: "none", not_found_handling: "none", run_worker_first: true, _headers: bundle.headers };
}

/** In a tag of the Worker: of all that is uploaded, but for the secrets. */
function contentTag(context: Context): string {
  const { bundle } = context;
  const hash = createHash("sha256");
  hash.update(bundle.worker);
  const manifest = [...bundle.assets].map(([path, { hash: asset }]) => [path, asset]);
  const { compatibilityDate, compatibilityFlags, objects } = bundle;
  hash.update(
    JSON.stringify([manifest, assetsConfig(context), compatibilityDate, compatibilityFlags, objects.migrations]),
  );
  return `clawhold-content-${hash.digest("hex").slice(0, 24)}`;
}

function differences(now: Deployed, context: Context): readonly string[] {
  const missing = SECRET_NAMES.filter((name) => !now.bindings.some((one) => one.name === name));
  const wanted = plainBindings(context);
  const same = (one: Binding): boolean =>
    now.bindings.some((other) => Object.entries(one).every(([field, value]) => other[field] === value));
  const extra = now.bindings.filter(
    ({ name, type }) =>
      !wanted.some((one) => one.name === name) &&
      !(type === "secret_text" && NEXT_SECRET_NAMES.includes(name)) &&
      !SECRET_NAMES.includes(name as SecretName) &&
      name !== CERTIFICATE_TOKEN,
  );
  return [
    ...(now.tags.includes(contentTag(context)) ? [] : ["code, pages or their headers"]),
    ...wanted.filter((one) => !same(one)).map(({ name }) => `binding ${name}`),
    ...extra.map(({ name }) => `binding ${name}, which is not ours`),
    ...missing.map((name) => `secret ${name}`),
  ];
}

async function upload(context: Context, now: Deployed | undefined): Promise<void> {
  const { api, wanted, record, bundle } = context;
  const { account } = wanted.config;
  const { worker: name, tag } = wanted.names;
  const jwt = await uploadAssets(context);
  const missing = SECRET_NAMES.filter((secret) => now?.bindings.some((one) => one.name === secret) !== true);
  const made = missing.map((secret) => ({ name: secret, type: "secret_text", text: makeSecret() }));
  // With the first upload, so that no Worker ever runs without it.
  const token =
    now === undefined ? [{ name: CERTIFICATE_TOKEN, type: "secret_text", text: context.certificateToken }] : [];
  const migrations = migrationsFrom(now?.migrationTag, context);
  const metadata = {
    main_module: MODULE,
    compatibility_date: bundle.compatibilityDate,
    compatibility_flags: bundle.compatibilityFlags,
    bindings: [...plainBindings(context), ...made, ...token],
    keep_bindings: ["secret_text"],
    tags: [tag, contentTag(context)],
    assets: { jwt, config: assetsConfig(context) },
    observability: { enabled: true },
    ...(migrations === undefined ? {} : { migrations }),
  };
  const form = new FormData();
  form.set("metadata", new Blob([JSON.stringify(metadata)], { type: "application/json" }));
  form.set(MODULE, new File([new Uint8Array(bundle.worker)], MODULE, { type: MODULE_TYPE }));
  // Metadata is one part of JSON; the SDK's own method would take it apart into form fields.
  await api.write(PERMISSION, `upload the Worker ${name}`, (client) =>
    client.put(`/accounts/${account}/workers/scripts/${name}`, { body: form }),
  );
  record.note({
    secrets: [...new Set([...record.value.secrets, ...missing])],
    ...(now === undefined ? { certificateToken: digestOf(context.certificateToken) } : {}),
  });
  context.found.workerExists = true;
}

/** The steps after the newest that Cloudflare has taken. */
function migrationsFrom(tag: string | undefined, { bundle }: Context): object | undefined {
  const { migrations } = bundle.objects;
  const at = migrations.findIndex((one) => one.tag === tag);
  if (tag !== undefined && at < 0)
    throw new DeployError(
      "bundle_unusable",
      `The deployed Worker's objects are at ${tag}, which this version does not know: it is older than what is deployed. Update it and type it again.`,
    );
  const steps = migrations.slice(at + 1);
  const last = steps.at(-1);
  if (last === undefined) return undefined;
  return {
    ...(tag === undefined ? {} : { old_tag: tag }),
    new_tag: last.tag,
    steps: steps.map(({ classes }) => ({ new_sqlite_classes: classes })),
  };
}

const CERTIFICATE_TOKEN = "CLIENT_CERTIFICATE_TOKEN";

/** A secret cannot be read back; what was handed over is remembered here by its digest. */
function certificateToken(context: Context): readonly Change[] {
  const { api, wanted, record, certificateToken: text } = context;
  if (record.value.certificateToken === digestOf(text)) return [];
  const { account } = wanted.config;
  const { worker: name } = wanted.names;
  return [
    {
      kind: "change",
      what: `secret ${CERTIFICATE_TOKEN}, which is another than this machine handed over before`,
      apply: async () => {
        await api.write(PERMISSION, `hand the Worker its ${CERTIFICATE_TOKEN}`, (client) =>
          client.workers.scripts.secrets.update(name, {
            account_id: account,
            name: CERTIFICATE_TOKEN,
            text,
            type: "secret_text",
          }),
        );
        record.note({ certificateToken: digestOf(text) });
      },
    },
  ];
}
