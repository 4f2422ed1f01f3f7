/** Who may pass Access: people by their addresses, and the signer by its service token. */
import type { Change, Context } from "../change.ts";

export const APPS = "Access: Apps and Policies";

interface PolicyBody {
  readonly name: string;
  readonly decision: "allow" | "non_identity";
  readonly include: readonly object[];
}

export async function lookAtPolicies(context: Context): Promise<readonly Change[]> {
  const { api, wanted, found } = context;
  const { account, people } = wanted.config;
  const known = await api.list(APPS, "list Access policies", (client) =>
    client.zeroTrust.access.policies.list({ account_id: account }),
  );
  const idOf = (name: string): string | undefined => known.find((one) => one.name === name)?.id;
  found.peoplePolicyId = idOf(wanted.names.peoplePolicy);
  found.signerPolicyId = idOf(wanted.names.signerPolicy);
  const ofPeople: PolicyBody = {
    name: wanted.names.peoplePolicy,
    decision: "allow",
    include: [
      ...people.emails.map((email) => ({ email: { email } })),
      ...people.domains.map((domain) => ({ email_domain: { domain } })),
    ],
  };
  const ofSigner = (): PolicyBody => ({
    name: wanted.names.signerPolicy,
    decision: "non_identity",
    include: [{ service_token: { token_id: found.serviceTokenId ?? "" } }],
  });
  return [
    ...lookAtPolicy(context, { known, wanted: () => ofPeople, id: "peoplePolicyId" }),
    ...lookAtPolicy(context, { known, wanted: ofSigner, id: "signerPolicyId" }),
  ];
}

interface PolicyLook {
  readonly known: readonly {
    readonly id?: string;
    readonly decision?: string;
    readonly include?: readonly unknown[];
  }[];
  /** Read when it is applied: the service token may be made just before. */
  readonly wanted: () => PolicyBody;
  readonly id: "peoplePolicyId" | "signerPolicyId";
}

function lookAtPolicy({ api, wanted: { config }, found }: Context, look: PolicyLook): readonly Change[] {
  const id = found[look.id];
  const { name } = look.wanted();
  // The SDK's type lists every kind of rule; ours are three of them.
  const body = (): never => ({ account_id: config.account, ...look.wanted() }) as never;
  if (id === undefined)
    return [
      {
        kind: "create",
        what: `Access policy ${name}`,
        apply: async () => {
          const made = await api.write(APPS, `make the policy ${name}`, (client) =>
            client.zeroTrust.access.policies.create(body()),
          );
          found[look.id] = made.id;
        },
      },
    ];
  const now = look.known.find((one) => one.id === id);
  const wanted = look.wanted();
  if (now?.decision === wanted.decision && sameSet(now.include ?? [], wanted.include)) return [];
  return [
    {
      kind: "change",
      what: `Access policy ${name}: who may pass`,
      apply: async () => {
        await api.write(APPS, `change the policy ${name}`, (client) =>
          client.zeroTrust.access.policies.update(id, body()),
        );
      },
    },
  ];
}

function sameSet(one: readonly unknown[], other: readonly unknown[]): boolean {
  const text = (list: readonly unknown[]): string =>
    JSON.stringify(list.map((item) => JSON.stringify(item)).toSorted());
  return text(one) === text(other);
}
