import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEMO_VERSION, installGateway } from "../../../../agent/host/demo/install.ts";

let directory = "";
const said: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "install-"));
  said.length = 0;
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** An npm that writes down how it was called, in the place of the user's. */
async function fakeNpm(script: string): Promise<Record<string, string>> {
  const bin = join(directory, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "npm"), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, "npm"), 0o755);
  return {
    PATH: [bin, "/usr/bin", "/bin"].join(delimiter),
    npm_config_local_prefix: "/elsewhere",
    npm_config_registry: "https://mirror.example",
  };
}

const install = (environment: Record<string, string>, fetchAllowed = true): Promise<string> =>
  installGateway({ directory, environment, fetchAllowed, log: (line) => said.push(line) });
const folder = (): string => join(directory, `openclaw-${DEMO_VERSION}`);

describe("installGateway", () => {
  it("runs npm without scripts, once, and not on somebody else's package", async () => {
    const environment = await fakeNpm('echo "$@" "$npm_config_local_prefix" "$npm_config_registry" >> calls');
    const entry = await install(environment);
    expect(await install(environment, false)).toBe(entry);
    const calls = await readFile(join(folder(), "calls"), "utf8");
    expect(calls).toBe("ci --ignore-scripts --no-audit --no-fund --loglevel=error  https://mirror.example\n");
    expect(said).toHaveLength(2);
  });

  it("starts over after an interrupted installation", async () => {
    await mkdir(join(folder(), "node_modules"), { recursive: true });
    await writeFile(join(folder(), "node_modules", "half"), "");
    await install(await fakeNpm("true"));
    await expect(readFile(join(folder(), "node_modules", "half"))).rejects.toThrow("ENOENT");
  });

  it("downloads nothing without consent", async () => {
    await expect(install(await fakeNpm("touch called"), false)).rejects.toMatchObject({ code: "demo_not_installed" });
  });

  it("says what npm said when it fails, and does not call that installed", async () => {
    const environment = await fakeNpm("echo ENOTFOUND >&2; exit 7");
    await expect(install(environment)).rejects.toThrow(/npm ended with code 7 .*\n.*ENOTFOUND/s);
    await expect(install(environment, false)).rejects.toMatchObject({ code: "demo_not_installed" });
  });

  it("says that there is no npm", async () => {
    await expect(install({ PATH: join(directory, "empty") })).rejects.toMatchObject({ code: "demo_npm_missing" });
  });

  it("ships a lockfile that names every package by digest and no registry", async () => {
    const text = await readFile(
      new URL("../../../../agent/host/demo/openclaw/package-lock.json", import.meta.url),
      "utf8",
    );
    const packages = Object.entries(
      (JSON.parse(text) as { packages: Record<string, { version?: string; integrity?: string; inBundle?: boolean }> })
        .packages,
    );
    expect(packages.find(([name]) => name === "node_modules/openclaw")?.[1].version).toBe(DEMO_VERSION);
    expect(
      packages.filter(([name, entry]) => name !== "" && entry.integrity === undefined && entry.inBundle !== true),
    ).toEqual([]);
    expect(text).not.toContain('"resolved"');
  });
});
