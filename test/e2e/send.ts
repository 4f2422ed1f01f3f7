/** One request to a dashboard's door and its answer; nothing is followed, kept or repeated. */
import http from "node:http";

export interface Outgoing {
  readonly port: number;
  readonly agent: http.Agent;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Answered {
  readonly status: number;
  readonly cookie: string | undefined;
  readonly body: unknown;
}

export function send({ port, agent, method, path, headers, text }: Outgoing): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const call = http.request(
      { host: "127.0.0.1", port, agent, method, path, headers: { ...headers }, timeout: 60_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const said = Buffer.concat(chunks).toString("utf8");
          const cookie = response.headers["set-cookie"]?.[0]?.split(";")[0];
          const body: unknown = said.startsWith("{") ? JSON.parse(said) : undefined;
          resolve({ status: response.statusCode ?? 0, cookie, body });
        });
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer within 60 s")));
    call.on("error", reject);
    call.end(text);
  });
}
