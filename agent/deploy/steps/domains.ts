/**
 * The two names, last of all, so that neither answers before Access, certificates and rules stand in front of it. A custom
 * domain has nothing behind the Worker: when the Worker cannot run, the name answers with an error and lets nothing pass.
 */
import { DeployError } from "../deploy-error.ts";
import type { Change, Context, Step } from "../change.ts";

const PERMISSION = "Workers Scripts";

export const domains: Step = {
  name: "Names",
  look: async (context) => {
    const { dashboard, agents } = context.wanted.config;
    const known = await read(context);
    return [dashboard, agents].flatMap((hostname) => lookAt(hostname, known, context));
  },
  remains: async (context) => {
    const { api, wanted } = context;
    const known = await read(context);
    return known
      .filter(({ service }) => service === wanted.names.worker)
      .map(({ id, hostname }) => ({
        kind: "remove",
        what: `name ${hostname}, with its DNS record and certificate`,
        apply: async () => {
          await api.write(PERMISSION, `take the name ${hostname} from the Worker`, (client) =>
            client.workers.domains.delete(id, { account_id: wanted.config.account }),
          );
        },
      }));
  },
};

interface Domain {
  readonly id: string;
  readonly hostname: string;
  readonly service: string;
}

async function read({ api, wanted, found }: Context): Promise<readonly Domain[]> {
  return api.list(PERMISSION, "list the Workers' names", (client) =>
    client.workers.domains.list({ account_id: wanted.config.account, zone_id: found.zoneId }),
  );
}

function lookAt(hostname: string, known: readonly Domain[], { api, wanted, found }: Context): readonly Change[] {
  const { worker: service } = wanted.names;
  const now = known.find((one) => one.hostname === hostname);
  if (now?.service === service) return [];
  if (now !== undefined)
    throw new DeployError(
      "hostname_taken",
      `The name ${hostname} leads to the Worker ${now.service}. Take it away there if nobody needs it, or choose another name in the configuration.`,
    );
  return [
    {
      kind: "create",
      what: `name ${hostname} for the Worker, with a DNS record and a certificate of its own`,
      apply: async () => {
        await api.write(PERMISSION, `give the Worker the name ${hostname}`, (client) =>
          client.workers.domains.update({
            account_id: wanted.config.account,
            hostname,
            service,
            zone_id: found.zoneId,
          }),
        );
      },
    },
  ];
}
