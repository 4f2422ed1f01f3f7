/**
 * The zone before anything else: is it there, active, and ours to use these names in. Then its settings, of which only what
 * breaks no other name is changed, unless the configuration says that nothing else is served from the zone.
 */
import { DeployError } from "../deploy-error.ts";
import type { Change, Context, Step } from "../change.ts";

type SettingId = "tls_1_3" | "min_tls_version" | "ssl" | "always_use_https";

/** For every name of the zone. 1.3 as an offer takes nothing from anybody. */
const ALWAYS: Readonly<Partial<Record<SettingId, string>>> = { tls_1_3: "on" };
const ZONE_WIDE: Readonly<Partial<Record<SettingId, string>>> = {
  min_tls_version: "1.3",
  ssl: "strict",
  always_use_https: "on",
};
/** Also fine as they are: on with early data (zrt), and stricter than strict. */
const AS_GOOD: Readonly<Record<string, readonly string[]>> = { tls_1_3: ["zrt"], ssl: ["origin_pull"] };

export const zone: Step = {
  name: "Zone",
  look: async (context) => {
    await find(context);
    await refuseRoutes(context);
    await refuseFighting(context);
    await findTeam(context);
    return [];
  },
  remains: async (context) => {
    await find(context);
    return [];
  },
};

export const zoneSettings: Step = {
  name: "Zone settings",
  look: async (context) => {
    const { zoneWide, zone: name } = context.wanted.config;
    const wanted = Object.entries(zoneWide ? { ...ALWAYS, ...ZONE_WIDE } : ALWAYS) as [SettingId, string][];
    const changes = await Promise.all(wanted.map(([id, value]) => lookAt({ id, value, kind: "change" }, context)));
    if (!zoneWide) {
      context.notes.push(
        `Settings for every name of ${name} (least TLS version, encryption to origins, HTTPS only) stay as they are. A rule takes nothing but TLS 1.3 for the two names, HSTS is said for the dashboard's name only, and a Worker has no origin. "zoneWide": true sets them too, if nothing else is served from this zone.`,
      );
    }
    return changes.flatMap((change) => change ?? []);
  },
  remains: async (context) => {
    const before = Object.entries(context.record.value.settings);
    const changes = await Promise.all(
      before.map(([id, value]) => lookAt({ id: id as SettingId, value, kind: "remove" }, context)),
    );
    return changes.flatMap((change) => change ?? []);
  },
};

interface Asked {
  readonly id: SettingId;
  readonly value: string;
  readonly kind: "change" | "remove";
}

async function lookAt({ id, value, kind }: Asked, context: Context): Promise<Change | undefined> {
  const { api, found, record } = context;
  const what = `setting ${id} of the zone`;
  const setting = await api.read("Zone Settings", what, (client) =>
    client.zones.settings.get(id, { zone_id: found.zoneId }),
  );
  const now = "value" in setting && typeof setting.value === "string" ? setting.value : "";
  if (now === value || (kind === "change" && AS_GOOD[id]?.includes(now) === true)) return undefined;
  return {
    kind,
    what: `${what}: ${now} becomes ${value}`,
    apply: async () => {
      if (kind === "change") record.noteSetting(id, now);
      await api.write("Zone Settings", what, (client) =>
        client.zones.settings.edit(id, { zone_id: found.zoneId, value }),
      );
    },
  };
}

async function find(context: Context): Promise<void> {
  const { api, wanted, found } = context;
  const { zone: name, account } = wanted.config;
  const zones = await api.list("Zone (Read)", `find the zone ${name}`, (client) =>
    client.zones.list({ name, account: { id: account } }),
  );
  const [one] = zones.filter((candidate) => candidate.name === name && candidate.account.id === account);
  if (one === undefined)
    throw new DeployError(
      "zone_unknown",
      `The token shows no zone ${name} in the account ${account}. Check both in the configuration; if they are right, the token needs the permission "Zone (Read)" for this zone.`,
    );
  if (one.status !== "active")
    throw new DeployError(
      "zone_inactive",
      `The zone ${name} is not active at Cloudflare (${one.status ?? "unknown"}): its name servers do not point there yet. Finish that on the zone's overview page, then type it again.`,
    );
  found.zoneId = one.id;
  found.plan = one.plan.legacy_id ?? "free";
}

/** A route wins over a custom domain, and may let requests pass by a Worker that is out of its limits. */
async function refuseRoutes({ api, wanted, found }: Context): Promise<void> {
  const { dashboard, agents } = wanted.config;
  const routes = await api.list("Workers Routes (Read)", "read the zone's Worker routes", (client) =>
    client.workers.routes.list({ zone_id: found.zoneId }),
  );
  const overlapping = routes.find(({ pattern }) => [dashboard, agents].some((name) => covers(pattern, name)));
  if (overlapping !== undefined)
    throw new DeployError(
      "routes_overlap",
      `The Worker route ${overlapping.pattern} of this zone covers a name of the deployment, and would take its requests elsewhere. Remove the route, or choose other names in the configuration.`,
    );
}

function covers(pattern: string, hostname: string): boolean {
  const host = (pattern.replace(/^[a-z*]+:\/\//, "").split("/")[0] ?? "").toLowerCase();
  if (!host.startsWith("*")) return host === hostname;
  return hostname.endsWith(host.slice(1)) || host.slice(1) === `.${hostname}`;
}

/** It cannot be switched off for one name where the plan has no rules for bots. */
async function refuseFighting({ api, wanted, found }: Context): Promise<void> {
  const bots = await api.read("Bot Management (Read)", "read the zone's bot settings", (client) =>
    client.botManagement.get({ zone_id: found.zoneId }),
  );
  if ("fight_mode" in bots && bots.fight_mode === true)
    throw new DeployError(
      "bots_fight",
      `Bot Fight Mode is on for ${wanted.config.zone} and cannot be left out for single names. Agents and clawhold ui are programs: they would be challenged and could not connect. Switch it off on the zone's page Security, Settings, or use a zone without it.`,
    );
}

async function findTeam({ api, wanted, found }: Context): Promise<void> {
  const { account } = wanted.config;
  const organization = await api.find(
    "Access: Organizations, Identity Providers, and Groups (Read)",
    "read the Zero Trust organization",
    (client) => client.zeroTrust.organizations.list({ account_id: account }),
  );
  const domain = organization?.auth_domain;
  if (domain === undefined || domain === "")
    throw new DeployError(
      "team_missing",
      "The account has no Zero Trust organization yet, which Access needs. Open Zero Trust on Cloudflare's dashboard once, choose a team name and a plan (the free one is enough), and type it again.",
    );
  found.teamDomain = domain;
}
