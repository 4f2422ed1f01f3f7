/** The Access application: the dashboard's name, and no other. Its audience tag is what the Worker asks for in every request. */
import type { Change, Context } from "../change.ts";
import { APPS } from "./access-policies.ts";

const SESSION = "24h";

/** Also finds the audience tag. */
export async function findApp({ api, wanted, found }: Context): Promise<KnownApp | undefined> {
  const { account } = wanted.config;
  const known = await api.list(APPS, "list Access applications", (client) =>
    client.zeroTrust.access.applications.list({ account_id: account }),
  );
  const app = known.find((one) => "name" in one && one.name === wanted.names.app) as KnownApp | undefined;
  found.audience = app?.aud;
  return app;
}

export async function lookAtApp(context: Context): Promise<readonly Change[]> {
  const { api, wanted, found } = context;
  const { account, dashboard } = wanted.config;
  const { app: name } = wanted.names;
  const now = await findApp(context);
  const create = async (): Promise<void> => {
    const made = await api.write(APPS, `make the Access application for ${dashboard}`, (client) =>
      client.zeroTrust.access.applications.create({ account_id: account, ...bodyOf(context) }),
    );
    found.audience = (made as KnownApp).aud;
  };
  if (now?.id === undefined)
    return [{ kind: "create", what: `Access application ${name} for ${dashboard}`, apply: create }];
  const { id } = now;
  const differing = differences(now, bodyOf(context));
  if (differing.length === 0) return [];
  const change = async (): Promise<void> => {
    await api.write(APPS, `change the Access application for ${dashboard}`, (client) =>
      client.zeroTrust.access.applications.update(id, { account_id: account, ...bodyOf(context) }),
    );
  };
  return [{ kind: "change", what: `Access application ${name}: ${differing.join(", ")}`, apply: change }];
}

/** Read when it is sent: the policies may be made just before. */
function bodyOf({ wanted, found }: Context): AppBody {
  return {
    type: "self_hosted",
    name: wanted.names.app,
    domain: wanted.config.dashboard,
    session_duration: SESSION,
    app_launcher_visible: false,
    http_only_cookie_attribute: true,
    // Strict would lose the cookie on the way back from the sign-in.
    same_site_cookie_attribute: "lax",
    service_auth_401_redirect: true,
    policies: [
      { id: found.peoplePolicyId ?? "", precedence: 1 },
      { id: found.signerPolicyId ?? "", precedence: 2 },
    ],
  };
}

interface AppBody {
  readonly type: "self_hosted";
  readonly name: string;
  readonly domain: string;
  readonly session_duration: string;
  readonly app_launcher_visible: boolean;
  readonly http_only_cookie_attribute: boolean;
  readonly same_site_cookie_attribute: string;
  readonly service_auth_401_redirect: boolean;
  policies: { id: string; precedence: number }[];
}
interface KnownApp extends Partial<Omit<AppBody, "policies">> {
  readonly id?: string;
  readonly aud?: string;
  readonly policies?: readonly { readonly id?: string; readonly precedence?: number }[];
}

/** Names of the fields that are otherwise; of the policies which, and in which order. */
function differences(now: KnownApp, { policies, ...plain }: AppBody): readonly string[] {
  const order = [...(now.policies ?? [])].sort((a, b) => (a.precedence ?? 0) - (b.precedence ?? 0)).map(({ id }) => id);
  const same = JSON.stringify(order) === JSON.stringify(policies.map(({ id }) => id));
  const fields = Object.entries(plain).filter(([field, value]) => now[field as keyof typeof plain] !== value);
  return [...fields.map(([field]) => field), ...(same ? [] : ["policies"])];
}
