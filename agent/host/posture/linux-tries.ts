/** Connections that a scan tries, and what came of them. Nothing is sent but what a check needs to see a refusal. */
import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { connect } from "node:net";
import { hostname } from "node:os";
import type { HttpTried, Machine, Tried } from "./machine.ts";

const TRY_MILLISECONDS = 1_500;
const MAX_BODY_BYTES = 64 << 10;

export function tryTcp(...[host, port, options]: Parameters<Machine["tcp"]>): Promise<Tried> {
  const { milliseconds = TRY_MILLISECONDS, banner = false } = options ?? {};
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: Tried): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    let isOpen = false;
    const timer = setTimeout(() => end({ outcome: isOpen ? "open" : "filtered" }), milliseconds);
    socket.once("connect", () => {
      isOpen = true;
      if (!banner) end({ outcome: "open" });
    });
    socket.once("data", (chunk: Buffer) =>
      end({
        outcome: "open",
        banner: chunk
          .subarray(0, 256)
          .toString("latin1")
          .replaceAll(/[^\x20-\x7E]/g, ""),
      }),
    );
    socket.once("end", () => end({ outcome: isOpen ? "open" : "closed" }));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const { code } = error;
      if (isOpen) end({ outcome: "open" });
      else if (code === "ECONNREFUSED") end({ outcome: "closed" });
      else if (code === "EHOSTUNREACH" || code === "ENETUNREACH" || code === "EACCES" || code === "EPERM")
        end({ outcome: "unreachable" });
      else end({ outcome: "failed" });
    });
  });
}

export function tryHttp(...[url, options]: Parameters<Machine["http"]>): Promise<HttpTried> {
  const { milliseconds = TRY_MILLISECONDS, method = "GET", headers = {}, body } = options ?? {};
  return new Promise((resolve) => {
    // Whom a certificate names does not matter here: no secret goes there.
    const how = { method, headers: { host: hostname(), ...headers }, agent: false, rejectUnauthorized: false };
    const asked = (url.startsWith("https:") ? requestSecure : requestPlain)(url, how, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      const answer = (): void => {
        clearTimeout(timer);
        resolve({
          outcome: "answered",
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).flatMap(([name, value]) =>
              value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
            ),
          ),
          body: Buffer.concat(parts).subarray(0, MAX_BODY_BYTES).toString("utf8"),
        });
        response.destroy();
      };
      response.on("data", (chunk: Buffer) => {
        parts.push(chunk);
        size += chunk.length;
        if (size >= MAX_BODY_BYTES) answer();
      });
      response.once("end", answer);
      response.once("error", answer);
    });
    const timer = setTimeout(() => asked.destroy(new Error("timeout")), milliseconds);
    asked.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code === "ECONNREFUSED") resolve({ outcome: "closed" });
      else resolve({ outcome: error.message === "timeout" ? "filtered" : "failed" });
    });
    asked.end(body);
  });
}
