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

  it("are warned about when few", async () => {
    const directory = makeDirectory();
    const script = fileURLToPath(new URL("fixtures/run-edge.ts", import.meta.url));
    const dataDir = join(directory.path, "data");
    const program = [process.execPath, script, dataDir, writeWebBundle(directory.path), STAND_IN_WORKER];
    const child = spawn("sh", ["-c", 'ulimit -n 1024; exec "$@"', "sh", ...program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
      expect(readFileSync(join(dataDir, "log", "edge.log"), "utf8")).toMatch(
        /warn few_open_files .*1024 files.*ulimit -n/,
      );
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
