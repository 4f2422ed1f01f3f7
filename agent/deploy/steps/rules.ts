/**
 * The zone's rules for our two names, as far as its plan allows: what is not TLS 1.3, not one of our addresses, or a
 * crawler, is turned away before the Worker; floods are slowed down. Rules that are not ours are neither read for more than
 * their number nor moved. The Worker decides everything again, so nothing here is what anybody's safety rests on.
 */
import { endpoints } from "../../../protocol/contracts.ts";
import { DeployError } from "../deploy-error.ts";
import type { Change, Context, Step } from "../change.ts";

const PERMISSION = "Zone WAF";
const CUSTOM = "http_request_firewall_custom";
const LIMITS = "http_ratelimit";
type Phase = typeof CUSTOM | typeof LIMITS;

/** Rules a phase, by the plan's name, from Cloudflare's pages of the plans. Unknown plans: as the smallest. */
const ROOM: Readonly<Record<string, Readonly<Record<Phase, number>>>> = {
  free: { [CUSTOM]: 5, [LIMITS]: 1 },
  pro: { [CUSTOM]: 20, [LIMITS]: 2 },
  business: { [CUSTOM]: 100, [LIMITS]: 5 },
  enterprise: { [CUSTOM]: 1_000, [LIMITS]: 5 },
};

interface Rule {
  readonly ref: string;
  readonly description: string;
  readonly expression: string;
  readonly action: "block" | "skip";
  readonly action_parameters?: { readonly phases: readonly ["http_request_sbfm"] };
  readonly ratelimit?: {
    readonly characteristics: readonly string[];
    readonly period: number;
    readonly requests_per_period: number;
    readonly mitigation_timeout: number;
  };
}

export const rules: Step = {
  name: "Rules",
  look: async (context) => {
    const custom = await lookAt(CUSTOM, customRules(context), context);
    return [...custom, ...(await lookAt(LIMITS, limitRules(context), context))];
  },
  remains: async (context) => [...(await remainsOf(CUSTOM, context)), ...(await remainsOf(LIMITS, context))],
};

/** The agents' door, as worker/agent.ts opens it. */
const AGENT_PATHS = ["/health", "/join", "/tunnel"];

export function customRules({ wanted, found }: Pick<Context, "wanted" | "found">): readonly Rule[] {
  const { dashboard, agents } = wanted.config;
  const ours = `http.host in {"${dashboard}" "${agents}"}`;
  const methods = [...new Set(["GET", "HEAD", ...Object.values(endpoints).map(({ method }) => method)])].toSorted();
  const list = (words: readonly string[]): string => `{${words.map((word) => `"${word}"`).join(" ")}}`;
  const make = (name: string, description: string, expression: string): Rule => ({
    ref: `${wanted.names.rule}${name}`,
    description: `Clawhold: ${description}`,
    expression,
    action: "block",
  });
  return [
    make("tls", "TLS 1.3 and nothing else", `(${ours} and (not ssl or cf.tls_version ne "TLSv1.3"))`),
    make(
      "agents",
      "agents have three addresses",
      `(http.host eq "${agents}" and not http.request.uri.path in ${list(AGENT_PATHS)})`,
    ),
    make(
      "methods",
      "methods that the dashboard uses",
      `(http.host eq "${dashboard}" and not http.request.method in ${list(methods)})`,
    ),
    make("crawlers", "nothing here is for crawlers", `(${ours} and cf.client.bot)`),
    ...(found.plan === "free"
      ? []
      : [
          {
            ...make("programs", "agents and signers are programs", `(${ours})`),
            action: "skip" as const,
            action_parameters: { phases: ["http_request_sbfm"] as const },
          },
        ]),
  ];
}

/** Well above what agents behind one address, or a person's page, ever send: exact limits are the Worker's. */
const FLOOD = {
  free: { period: 10, requests: 200, timeout: 10 },
  other: { period: 60, requests: 1_000, timeout: 60 },
} as const;

export function limitRules({ wanted, found }: Pick<Context, "wanted" | "found">): readonly Rule[] {
  const { dashboard, agents } = wanted.config;
  const isFree = found.plan === "free";
  const { period, requests, timeout } = isFree ? FLOOD.free : FLOOD.other;
  const open = Object.values(endpoints).filter(({ access, method }) => access === "open" && method === "POST");
  const paths = [...new Set([...open.map(({ path }) => path), "/join"])]
    .filter((path) => !path.includes(":"))
    .toSorted();
  const byPath = `http.request.uri.path in {${paths.map((path) => `"${path}"`).join(" ")}}`;
  return [
    {
      ref: `${wanted.names.rule}flood`,
      description: "Clawhold: floods at the doors without a session",
      // The free plan's expressions know paths and no names.
      expression: isFree ? `(${byPath})` : `(http.host in {"${dashboard}" "${agents}"} and ${byPath})`,
      action: "block",
      ratelimit: {
        characteristics: ["cf.colo.id", "ip.src"],
        period,
        requests_per_period: requests,
        mitigation_timeout: timeout,
      },
    },
  ];
}

interface Entrypoint {
  readonly id: string;
  readonly rules: readonly KnownRule[];
}
type KnownRule = Partial<Omit<Rule, "action">> & {
  readonly id?: string;
  readonly action?: string;
  readonly enabled?: boolean;
};

async function read(phase: Phase, { api, found }: Context): Promise<Entrypoint | undefined> {
  const ruleset = await api.find(PERMISSION, `read the zone's rules (${phase})`, (client) =>
    client.rulesets.phases.get(phase, { zone_id: found.zoneId }),
  );
  return ruleset === undefined ? undefined : { id: ruleset.id, rules: ruleset.rules as readonly KnownRule[] };
}

async function lookAt(phase: Phase, wanted: readonly Rule[], context: Context): Promise<readonly Change[]> {
  const now = await read(phase, context);
  const foreign = now?.rules.filter((rule) => !isOurs(rule, context)) ?? [];
  const room = (ROOM[context.found.plan] ?? ROOM["free"])?.[phase] ?? 0;
  if (foreign.length + wanted.length > room)
    return withoutRoom(phase, { foreign: foreign.length, wanted: wanted.length, room }, context);
  if (now === undefined) {
    return [
      { kind: "create", what: `rules ${names(wanted, context)}`, apply: () => createAll(phase, wanted, context) },
    ];
  }
  const ours = now.rules.filter((rule) => isOurs(rule, context));
  const changed = wanted.flatMap((rule) => lookAtRule(rule, ours, { ruleset: now.id, context }));
  const old = ours.filter(({ ref }) => !wanted.some((one) => one.ref === ref));
  return [...changed, ...old.map((rule) => removal(rule, { ruleset: now.id, context }))];
}

/** Without the limits of the edge the Worker's own are still there; without the others too little would be. */
function withoutRoom(
  phase: Phase,
  count: { readonly foreign: number; readonly wanted: number; readonly room: number },
  context: Context,
): readonly Change[] {
  const { foreign, wanted, room } = count;
  if (phase === LIMITS) {
    context.notes.push(
      `No rate limiting rule is made: the plan of this zone has room for ${room}, and ${foreign} are there. The Worker's own limits are not touched by this.`,
    );
    return [];
  }
  throw new DeployError(
    "rules_full",
    `The plan of ${context.wanted.config.zone} has room for ${room} custom rules; ${foreign} are there and the deployment needs ${wanted}. Remove or join rules of yours on the zone's page of security rules, or change the plan.`,
  );
}

interface Place {
  readonly ruleset: string;
  readonly context: Context;
}

function lookAtRule(rule: Rule, ours: readonly KnownRule[], { ruleset, context }: Place): readonly Change[] {
  const { api, found } = context;
  const now = ours.find(({ ref }) => ref === rule.ref);
  const body = { zone_id: found.zoneId, ...rule, enabled: true } as never;
  const name = names([rule], context);
  if (now?.id === undefined) {
    const apply = async (): Promise<void> => {
      await api.write(PERMISSION, `make the rule ${name}`, (client) => client.rulesets.rules.create(ruleset, body));
    };
    return [{ kind: "create", what: `rule ${name}`, apply }];
  }
  const { id } = now;
  const differing = Object.entries({ ...rule, enabled: true }).filter(
    ([field, value]) => !same(now[field as keyof KnownRule], value),
  );
  if (differing.length === 0) return [];
  return [
    {
      kind: "change",
      what: `rule ${name}: ${differing.map(([field]) => field).join(", ")}`,
      apply: async () => {
        await api.write(PERMISSION, `change the rule ${name}`, (client) =>
          client.rulesets.rules.edit(id, { ruleset_id: ruleset, ...(body as object) } as never),
        );
      },
    },
  ];
}

async function createAll(phase: Phase, wanted: readonly Rule[], context: Context): Promise<void> {
  const { api, found, record } = context;
  if (!record.value.phases.includes(phase)) record.note({ phases: [...record.value.phases, phase] });
  await api.write(PERMISSION, `make the rules ${names(wanted, context)}`, (client) =>
    client.rulesets.phases.update(phase, {
      zone_id: found.zoneId,
      rules: wanted.map((rule) => ({ ...rule, enabled: true })) as never,
    }),
  );
}

function removal(rule: KnownRule, { ruleset, context }: Place): Change {
  const { api, found } = context;
  const name = rule.ref?.slice(context.wanted.names.rule.length) ?? "";
  return {
    kind: "remove",
    what: `rule ${name}`,
    apply: async () => {
      await api.write(PERMISSION, `remove the rule ${name}`, (client) =>
        client.rulesets.rules.delete(rule.id ?? "", { ruleset_id: ruleset, zone_id: found.zoneId }),
      );
    },
  };
}

async function remainsOf(phase: Phase, context: Context): Promise<readonly Change[]> {
  const now = await read(phase, context);
  if (now === undefined) return [];
  const ours = now.rules.filter((rule) => isOurs(rule, context));
  const isAlone = ours.length === now.rules.length && context.record.value.phases.includes(phase);
  // The list itself was made by us, and nobody has used it since.
  if (isAlone) {
    const { api, found } = context;
    const apply = async (): Promise<void> => {
      await api.write(PERMISSION, "remove the list of rules", (client) =>
        client.rulesets.delete(now.id, { zone_id: found.zoneId }),
      );
    };
    return [{ kind: "remove", what: `rules ${ours.map(({ ref }) => ref).join(", ")}`, apply }];
  }
  return ours.map((rule) => removal(rule, { ruleset: now.id, context }));
}

function isOurs({ ref }: KnownRule, { wanted }: Context): boolean {
  return ref?.startsWith(wanted.names.rule) === true;
}

function names(list: readonly Rule[], { wanted }: Context): string {
  return list.map(({ ref }) => ref.slice(wanted.names.rule.length)).join(", ");
}

/** Whatever order of fields an answer has. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const names_ = Object.keys(other);
  return names_.every((name) => same((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]));
}
