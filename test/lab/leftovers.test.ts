/** A killed run leaves nothing behind that the next one does not remove. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { labDirectory, mountPoints, sweep } from "./leftovers.ts";

it("sweeps what a killed process made: programs, mounts, namespaces, groups, directories", async () => {
  const child = spawn(process.execPath, ["--no-warnings", path.join(import.meta.dirname, "crash-child.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [directory] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const name = path.basename(directory);
  const prefix = `clawlab-${String(child.pid)}-`;
  expect(name).toBe(`${prefix}host`);
  expect(leftOf(prefix)).not.toEqual([]);
  expect(running(name).length).toBeGreaterThan(3);

  child.kill("SIGKILL");
  await once(child, "close");
  sweep();
  expect(leftOf(prefix)).toEqual([]);
  expect(running(name)).toEqual([]);
});

function leftOf(prefix: string): readonly string[] {
  const directories = ["/run/netns", "/run/systemd/nspawn/propagate", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
  const named = [...directories, path.join(labDirectory, "machines")].flatMap((directory) =>
    existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(prefix)) : [],
  );
  return [...named, ...mountPoints().filter((place) => place.includes(prefix))];
}

/** All processes of the server but dead ones that nobody asked after yet. */
function running(name: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      const isDead = /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      return !isDead && readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(name);
    } catch {
      return false; // not a process, or gone
    }
  });
}
