import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAdmin } from "../../../agent/edge/admin.ts";
import { makeDirectory } from "./fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(() => directory.remove());

describe("the admin door", () => {
  it("waits for a runtime that is being started again", async () => {
    const socketPath = join(directory.path, "admin.sock");
    const answer = openAdmin(socketPath)("/admin/status");
    const server = createServer((_request, response) => response.end('{"sessions":0}'));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    expect(await answer).toEqual({ sessions: 0 });
    await new Promise((resolve) => server.close(resolve));
  });

  it("does not ask again what was refused", async () => {
    const socketPath = join(directory.path, "admin.sock");
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.writeHead(409).end('{"code":"workspace_exists"}');
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    await expect(openAdmin(socketPath)("/admin/setup", {})).rejects.toMatchObject({
      code: "admin_failed",
      message: "The local edge answered /admin/setup with 409 (workspace_exists).",
    });
    expect(asked).toBe(1);
    await new Promise((resolve) => server.close(resolve));
  });
});
