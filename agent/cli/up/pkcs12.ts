/**
 * A key and its certificate as the file that browsers import. Made by Debian's openssl: Node has no PKCS #12, and the
 * one maintained library for it would be another parser of secrets for one file a year. Key and password travel by
 * pipes, never in argv or the environment, and touch no file before the result.
 */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { systemCode } from "../../shared/edge-error.ts";
import type { KeyPair } from "../../edge/certificates.ts";
import { CliError } from "../io.ts";

/** Without what people mistake for something else. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789";
const GROUPS = 5;
const GROUP_LETTERS = 5;
/** A few thousand bytes; more is no answer. */
const MAX_FILE_BYTES = 65_536;

/** 25 letters of 31: 123 bits, so that whoever finds the file has nothing. */
export function makePassword(): string {
  return Array.from({ length: GROUPS }, () =>
    Array.from({ length: GROUP_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join(""),
  ).join("-");
}

/** @throws {CliError} `openssl_missing`, `openssl_failed` */
export function makePkcs12(pair: KeyPair, name: string, password: string): Promise<Uint8Array> {
  const argv = ["pkcs12", "-export", "-passout", "fd:3", "-name", name];
  return new Promise((resolve, reject) => {
    const child = spawn("openssl", argv, { stdio: ["pipe", "pipe", "ignore", "pipe"] });
    const chunks: Uint8Array[] = [];
    let size = 0;
    if (child.stdout === null) throw new TypeError("no pipe 1");
    child.stdout.on("data", (chunk: Uint8Array) => {
      size += chunk.length;
      if (size <= MAX_FILE_BYTES) chunks.push(chunk);
    });
    child.on("error", (error) => reject(systemCode(error) === "ENOENT" ? missing() : error));
    child.on("close", (code) => {
      if (code === 0 && size > 0 && size <= MAX_FILE_BYTES) resolve(Buffer.concat(chunks));
      else reject(failed());
    });
    for (const [index, text] of [
      [3, `${password}\n`],
      [0, `${pair.key}${pair.certificate}`],
    ] as const) {
      const pipe = child.stdio[index];
      if (pipe === null || pipe === undefined || !("end" in pipe)) throw new TypeError(`no pipe ${index}`);
      // It may have ended already; its exit code says so.
      pipe.on("error", () => undefined);
      pipe.end(text);
    }
  });
}

function missing(): CliError {
  return new CliError(
    "openssl_missing",
    "The program openssl, which makes the file for the browser, is not installed. Type: apt install openssl",
  );
}

function failed(): CliError {
  return new CliError(
    "openssl_failed",
    "The program openssl did not make the file for the browser. Check that openssl is version 3 or newer, with: openssl version",
  );
}
