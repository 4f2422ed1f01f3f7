/** Brings the dashboard's files to Cloudflare: says which there are, sends those that it lacks, and returns the proof. */
import type { Context } from "./change.ts";

const PERMISSION = "Workers Scripts";

interface UploadAnswer {
  readonly result?: { readonly jwt?: string };
}

/** A token that the upload of the Worker names. What was sent before is not sent again. */
export async function uploadAssets({ api, wanted, bundle }: Context): Promise<string> {
  const { account } = wanted.config;
  const manifest = Object.fromEntries(
    [...bundle.assets].map(([path, { hash, bytes }]) => [path, { hash, size: bytes.length }]),
  );
  const session = await api.write(PERMISSION, "say which files the dashboard has", (client) =>
    client.workers.scripts.assets.upload.create(wanted.names.worker, { account_id: account, manifest }),
  );
  if (session.jwt === undefined) throw new TypeError("an upload of assets came without a token");
  const buckets = session.buckets ?? [];
  if (buckets.length === 0) return session.jwt;
  const byHash = new Map([...bundle.assets.values()].map((asset) => [asset.hash, asset]));
  let complete: string | undefined;
  for (const bucket of buckets) {
    const form = new FormData();
    for (const hash of bucket) {
      const asset = byHash.get(hash);
      if (asset === undefined) throw new TypeError("Cloudflare asks for a file that was not named");
      form.set(hash, new File([Buffer.from(asset.bytes).toString("base64")], hash, { type: asset.type }));
    }
    const headers = { authorization: `Bearer ${session.jwt}` };
    const answer = await api.write(PERMISSION, "send files of the dashboard", (client) =>
      client.post<UploadAnswer>(`/accounts/${account}/workers/assets/upload`, {
        query: { base64: true },
        body: form,
        headers,
      }),
    );
    complete = answer.result?.jwt ?? complete;
  }
  if (complete === undefined) throw new TypeError("Cloudflare did not say that all files have arrived");
  return complete;
}
