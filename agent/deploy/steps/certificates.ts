/**
 * Client certificates for the agents' name: Cloudflare asks for them and tells the Worker what it saw. The list of names is
 * one for the zone and is replaced whole, so it is read, and only our name goes in or out.
 */
import type { Change, Context, Step } from "../change.ts";

const PERMISSION = "SSL and Certificates";

export const certificates: Step = {
  name: "Client certificates",
  look: async (context) => {
    const { agents } = context.wanted.config;
    const now = await read(context);
    if (now.includes(agents)) return [];
    return [
      {
        kind: "change",
        what: `client certificates are asked for at ${agents}, beside ${now.length} other names of the zone`,
        apply: async () => {
          if (context.record.value.associated === undefined) context.record.note({ associated: false });
          await write(context, (names) => [...names, agents]);
        },
      },
    ];
  },
  remains: async (context) => {
    const { agents } = context.wanted.config;
    const now = await read(context);
    // Where somebody else had asked for it before us, it stays.
    if (!now.includes(agents) || context.record.value.associated !== false) return [];
    const what = `client certificates are no longer asked for at ${agents}`;
    const change: Change = {
      kind: "remove",
      what,
      apply: () => write(context, (names) => names.filter((name) => name !== agents)),
    };
    return [change];
  },
};

async function read({ api, found }: Context): Promise<readonly string[]> {
  const { hostnames } = await api.read(PERMISSION, "read which names ask for client certificates", (client) =>
    client.certificateAuthorities.hostnameAssociations.get({ zone_id: found.zoneId }),
  );
  return hostnames ?? [];
}

/** Read again just before, so that a name which somebody added meanwhile is not lost. */
async function write(context: Context, change: (names: readonly string[]) => readonly string[]): Promise<void> {
  const hostnames = [...change(await read(context))];
  await context.api.write(PERMISSION, "say which names ask for client certificates", (client) =>
    client.certificateAuthorities.hostnameAssociations.update({ zone_id: context.found.zoneId, hostnames }),
  );
}
