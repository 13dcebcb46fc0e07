import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const ISSUER = 'https://issuer.test/';
export const AUDIENCE = 'waybill';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** Whoever issues JSON Web Tokens, with one key that it signs by at a time. */
export class Issuer {
  readonly #public = new Map<string, JWK>();
  #current: { readonly id: string; readonly pair: KeyPair } | undefined;

  /** Signs by a new key from now on; those before stay good until they are withdrawn. */
  async rotate(id: string, algorithm = 'ES256'): Promise<void> {
    const pair = await generateKeyPair(algorithm);
    this.#current = { id, pair };
    this.#public.set(id, { ...(await exportJWK(pair.publicKey)), kid: id, alg: algorithm, use: 'sig' });
  }

  withdraw(id: string): void {
    this.#public.delete(id);
  }

  /** The public keys, as JSON. */
  get keys(): string {
    return JSON.stringify({ keys: [...this.#public.values()] });
  }

  /** Good for five minutes, unless `claims` say otherwise. */
  async token(claims: Readonly<Record<string, unknown>>, algorithm = 'ES256'): Promise<string> {
    if (this.#current === undefined) throw new Error('there is no key yet');
    const { id, pair } = this.#current;
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'service', iat: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg: algorithm, kid: id })
      .sign(pair.privateKey);
  }
}

/** Serves the keys of an issuer on a loopback port. */
export class KeyServer {
  readonly #server: Server;
  /** How often it was asked. */
  asked = 0;

  private constructor(issuer: Issuer) {
    this.#server = createServer((_, response) => {
      this.asked++;
      response.setHeader('content-type', 'application/json').end(issuer.keys);
    });
  }

  static async start(issuer: Issuer): Promise<KeyServer> {
    const server = new KeyServer(issuer);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}/jwks.json`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
