/** Names under which web servers of this machine pass on to one of these ports, from their own settings: a proxy may answer only by name. */
import { join } from "node:path";
import type { Machine } from "../../machine.ts";

const DIRECTORIES = [
  "/etc/nginx/sites-enabled",
  "/etc/nginx/conf.d",
  "/etc/apache2/sites-enabled",
  "/etc/httpd/conf.d",
  "/etc/caddy/conf.d",
  "/etc/haproxy",
] as const;
const FILES = ["/etc/nginx/nginx.conf", "/etc/caddy/Caddyfile", "/etc/haproxy/haproxy.cfg"] as const;
const MAX_FILES = 64;
const NAME = /^(?=.{1,253}$)(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}$/;

export async function proxyNames(machine: Machine): Promise<readonly string[]> {
  const listed = await Promise.all(
    DIRECTORIES.map(async (directory) => ((await machine.list(directory)) ?? []).map((name) => join(directory, name))),
  );
  const paths = [...FILES, ...listed.flat()].slice(0, MAX_FILES);
  const files = await Promise.all(paths.map((path) => machine.read(path)));
  return [...new Set(files.flatMap((file) => (file.kind === "text" ? namesIn(file.text) : [])))];
}

export function namesIn(text: string): readonly string[] {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  return lines.flatMap((line) => {
    const words = /^\s*(?:server_name|ServerName|ServerAlias)\s+([^;#]+)/.exec(line)?.[1] ?? caddySite(line);
    return (words ?? "")
      .split(/[\s,]+/)
      .map((word) => word.replace(/^https?:\/\//, "").replace(/:\d+$/, ""))
      .filter((word) => NAME.test(word));
  });
}

/** A site of a Caddyfile begins its line, and its braces end it. */
function caddySite(line: string): string | undefined {
  return /^([^\s{}()@#][^{}()]*)\{\s*$/.exec(line)?.[1];
}
