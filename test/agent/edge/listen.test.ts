import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { listen, maxConnections, readOpenFileLimit } from "../../../agent/edge/listen.ts";
import { STAND_IN_WORKER, makeDirectory, writeWebBundle } from "./fixtures/harness.ts";

describe("open files", () => {
  it("bound the connections, with something left on the smallest machine", () => {
    expect(maxConnections(4_096)).toBe(992);
    expect(maxConnections(64)).toBe(16);
    expect(readOpenFileLimit()).toBeGreaterThan(0);
  });

  it("are as many as the owner allows, in both processes, and warned about when that is few", async () => {
    const directory = makeDirectory();
    const script = fileURLToPath(new URL("fixtures/run-edge.ts", import.meta.url));
    const dataDir = join(directory.path, "data");
    const program = [process.execPath, script, dataDir, writeWebBundle(directory.path), STAND_IN_WORKER];
    const child = spawn("sh", ["-c", 'ulimit -Sn 500; ulimit -Hn 900; exec "$@"', "sh", ...program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const { value: workerd } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
      for (const pid of [child.pid, workerd])
        expect(readFileSync(`/proc/${pid}/limits`, "utf8")).toMatch(/Max open files +900 +900 /);
      const log = readFileSync(join(dataDir, "log", "edge.log"), "utf8");
      expect(log).toMatch(/warn few_open_files .*may open 900 files, and its 0 hosts need 1000\. .*LimitNOFILE=/);
    } finally {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
      directory.remove();
    }
  });
});

describe("a port below 1024", () => {
  it("says who may take it", async () => {
    const server = createServer();
    server.listen = (() => {
      queueMicrotask(() => server.emit("error", Object.assign(new Error("no"), { code: "EACCES" })));
      return server;
    }) as typeof server.listen;
    await expect(listen(server, { port: 80, address: "127.0.0.1", flag: "--port" })).rejects.toMatchObject({
      code: "port_forbidden",
      message: expect.stringContaining("--port"),
    });
  });
});
