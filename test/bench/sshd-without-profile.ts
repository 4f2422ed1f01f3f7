/**
 * Runs inside a mount namespace of its own: hides the shell profile, then serves as sshd in the foreground. Arguments:
 * the configuration, and the profile to hide (or nothing).
 */
import { spawn, spawnSync } from "node:child_process";

const [configuration = "", profile] = process.argv.slice(2);
if (profile !== undefined) {
  const hidden = spawnSync("/usr/bin/mount", ["--bind", "/dev/null", profile], { stdio: "inherit" });
  if (hidden.status !== 0) process.exit(1);
}
const server = spawn("/usr/sbin/sshd", ["-D", "-f", configuration], { stdio: "inherit" });
process.on("SIGTERM", () => server.kill("SIGTERM"));
server.on("exit", (code) => process.exit(code ?? 1));
