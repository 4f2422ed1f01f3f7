/** Access in front of the dashboard's name. Agents have certificates instead, and never meet it. */
import type { Change, Context, Step } from "../change.ts";
import { findApp, lookAtApp } from "./access-app.ts";
import { APPS, lookAtPolicies } from "./access-policies.ts";
import { lookAtToken, TOKEN } from "./access-token.ts";

export const access: Step = {
  name: "Access",
  look: async (context) => {
    const tokens = await lookAtToken(context);
    const policies = await lookAtPolicies(context);
    return [...tokens, ...policies, ...(await lookAtApp(context))];
  },
  remains,
};

/** What uses another thing goes before it. */
async function remains(context: Context): Promise<readonly Change[]> {
  await access.look(context); // what is there, by name
  const { api, wanted, found } = context;
  const { app: name, serviceToken, peoplePolicy, signerPolicy } = wanted.names;
  const owner = { account_id: wanted.config.account };
  const app = (await findApp(context))?.id;
  const { peoplePolicyId, signerPolicyId, serviceTokenId } = found;
  const ofPolicy = (id: string, policy: string): Change => ({
    kind: "remove",
    what: `Access policy ${policy}`,
    apply: async () => {
      await api.write(APPS, `remove the ${policy}`, (client) => client.zeroTrust.access.policies.delete(id, owner));
    },
  });
  const ofApp = (id: string): Change => ({
    kind: "remove",
    what: `Access application ${name}`,
    apply: async () => {
      await api.write(APPS, `remove the ${name}`, (client) => client.zeroTrust.access.applications.delete(id, owner));
    },
  });
  const ofToken = (id: string): Change => ({
    kind: "remove",
    what: `service token ${serviceToken}`,
    apply: async () => {
      await api.write(TOKEN, `remove the ${serviceToken}`, (client) =>
        client.zeroTrust.access.serviceTokens.delete(id, owner),
      );
    },
  });
  return [
    ...(app === undefined ? [] : [ofApp(app)]),
    ...(peoplePolicyId === undefined ? [] : [ofPolicy(peoplePolicyId, peoplePolicy)]),
    ...(signerPolicyId === undefined ? [] : [ofPolicy(signerPolicyId, signerPolicy)]),
    ...(serviceTokenId === undefined ? [] : [ofToken(serviceTokenId)]),
  ];
}
