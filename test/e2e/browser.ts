/** Debian's Chromium with a virtual authenticator, as a person would use it. */
import type { SoftwareCredential } from "../fixtures/authenticator.ts";
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Person {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly authenticator: Authenticator;
  readonly devtools: CDPSession;
  /** Everything the page complained about: console errors and exceptions. */
  readonly complaints: string[];
  /** Host names that the page asked anything of. */
  readonly asked: Set<string>;
}

/** `env`: what the browser's processes find in their environment, beside ours. */
export function launchChromium(env: Readonly<Record<string, string>> = {}): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS, env: { ...process.env, ...env } });
}

export class Authenticator {
  readonly #session: CDPSession;
  readonly #id: string;
  constructor(session: CDPSession, id: string) {
    this.#session = session;
    this.#id = id;
  }

  /** Touches happen by themselves while true. */
  async setPresence(enabled: boolean): Promise<void> {
    await this.#session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.#id, enabled });
  }

  /** From now on this authenticator holds a passkey that was made elsewhere. */
  async hold(credential: SoftwareCredential): Promise<void> {
    const privateKey = await credential.exportPrivateKey?.();
    if (privateKey === undefined) throw new TypeError("this passkey stays where it is");
    await this.#session.send("WebAuthn.addCredential", {
      authenticatorId: this.#id,
      credential: {
        credentialId: Buffer.from(credential.id).toString("base64"),
        privateKey: Buffer.from(privateKey).toString("base64"),
        rpId: credential.pinned.rpId,
        isResidentCredential: true,
        userHandle: Buffer.from("headless").toString("base64"),
        signCount: 1,
      },
    });
  }

  /** Holds the passkeys of another one too: the same person at another browser. */
  async copyFrom(other: Authenticator): Promise<void> {
    const { credentials } = await other.#session.send("WebAuthn.getCredentials", { authenticatorId: other.#id });
    for (const credential of credentials)
      await this.#session.send("WebAuthn.addCredential", { authenticatorId: this.#id, credential });
  }

  async credentialCount(): Promise<number> {
    const { credentials } = await this.#session.send("WebAuthn.getCredentials", { authenticatorId: this.#id });
    return credentials.length;
  }
}

async function addAuthenticator(session: CDPSession, transport: "internal" | "usb"): Promise<Authenticator> {
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return new Authenticator(session, authenticatorId);
}

/** A person at a fresh browser profile, at 1280 px unless told otherwise. */
export async function sitDown(browser: Browser, options: { readonly width?: number } = {}): Promise<Person> {
  const context = await browser.newContext({ viewport: { width: options.width ?? 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const asked = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => asked.add(new URL(request.url()).host));
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable", { enableUI: false });
  return {
    page,
    context,
    devtools: session,
    authenticator: await addAuthenticator(session, "internal"),
    complaints,
    asked,
  };
}

/**
 * Another device of the same person: two passkeys of one person need two authenticators. It is touched once, to make
 * its passkey; a key that touched itself again would answer the approval, which the first passkey has to give.
 */
export async function plugInSecondDevice(person: Person): Promise<Authenticator> {
  const device = await addAuthenticator(person.devtools, "usb");
  person.devtools.on("WebAuthn.credentialAdded", () => void device.setPresence(false));
  return device;
}
