/** Debian's Chromium: found, or installed when we are root, or asked for in one sentence. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const CHROMIUM = "/usr/bin/chromium";

/** Undefined when Chromium is there; otherwise why not, with what to type. */
export function ensureChromium(): string | undefined {
  if (existsSync(CHROMIUM)) return undefined;
  if (!existsSync("/usr/bin/apt-get")) return "no Chromium at /usr/bin/chromium, and this is not Debian";
  if (process.getuid?.() !== 0) return "no Chromium. Type: sudo apt-get install chromium";
  console.log("Installing Chromium from Debian, which the browser tests need.");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "chromium"],
  ]) {
    spawnSync("/usr/bin/apt-get", args, { stdio: ["ignore", "ignore", "inherit"], env });
  }
  return existsSync(CHROMIUM) ? undefined : "apt-get could not install Chromium; its reason is above";
}
