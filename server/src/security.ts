import { listenHost } from './config/engine.js';
import type { Config } from './config/schema.js';
import { Access } from './edge/access/access.js';
import { Guard } from './edge/access/guard.js';
import { JWT_ALGORITHMS, type JwtOptions } from './edge/access/jwt.js';
import { RateLimit } from './edge/access/rate-limit.js';
import { Tls } from './edge/tls.js';
import { type Watched, WatchedFiles } from './edge/watched-files.js';
import { StartError } from './model/errors.js';
import { isLoopback } from './model/loopback.js';
import type { Clock } from './ports/clock.js';
import type { Logger } from './ports/logger.js';
import type { Service } from './ports/service.js';

/** Who may do what, and TLS: both ports stand behind it. Its files are read by its start, before a port is opened. */
export class Security implements Service {
  readonly guard: Guard;
  /** Undefined: the ports are plain. */
  readonly tls: Tls | undefined;
  readonly #access: Access;
  readonly #files: WatchedFiles;

  constructor(
    private readonly config: Config,
    private readonly logger: Logger,
    clock: Clock,
  ) {
    const certificates = config.TlsClientCa !== '';
    this.#access = new Access({ tokens: config.Tokens !== '', jwt: jwtOptions(config), certificates }, clock);
    this.guard = new Guard({
      access: this.#access,
      calls: new RateLimit(
        clock,
        config.MaxCallsPerSecondPerClient,
        'calls a second (config MaxCallsPerSecondPerClient)',
      ),
      messages: new RateLimit(
        clock,
        config.MaxPublishesPerSecondPerClient,
        'messages a second (config MaxPublishesPerSecondPerClient)',
      ),
      clock,
      logger,
    });
    this.tls = config.TlsCert === '' ? undefined : new Tls(tlsOptions(config), clock, logger);
    this.#files = new WatchedFiles(
      [...(this.tls === undefined ? [] : [this.tls.watched]), ...this.#credentials()],
      logger,
    );
  }

  /** Rejects with a StartError when a file cannot be used, or everybody would be served. */
  async start(): Promise<void> {
    this.#refuseToBeOpen();
    await this.#files.start();
    await this.guard.start();
  }

  async stop(): Promise<void> {
    await this.#files.stop();
    await this.guard.stop();
  }

  #refuseToBeOpen(): void {
    const { config, logger } = this;
    const host = listenHost(config);
    if (isLoopback(host)) return;
    if (!this.#access.asks && !config.AllowInsecure) {
      throw new StartError(
        [
          `this gateway would serve everybody who reaches ${host}: nobody is asked who they are. One of these helps:`,
          '  Host: 127.0.0.1        only this machine reaches it',
          '  Tokens: tokens.yaml    clients bring a token (waybill token create), see docs/security.md',
          '  JwtJwksUrl: https://…  clients bring a JSON Web Token',
          '  TlsClientCa: ca.pem    clients bring a certificate',
          '  AllowInsecure: true    the network keeps strangers out',
        ].join('\n'),
      );
    }
    if (!this.#access.asks) {
      logger.warn({ host }, 'everybody who reaches this gateway is served (config AllowInsecure)');
    } else if (this.tls === undefined) {
      logger.warn(
        { host },
        'tokens and messages travel in plain text: set TlsCert, or let a proxy on this machine speak TLS',
      );
    }
  }

  #credentials(): Watched[] {
    const { Tokens, JwtJwksFile } = this.config;
    const watched: Watched[] = [];
    if (Tokens !== '') {
      watched.push({
        files: [{ key: 'Tokens', path: Tokens }],
        take: ([text]) => {
          const { tokens, certificates } = this.#access.setCredentials(text?.toString('utf8') ?? '');
          this.logger.info({ tokens: tokens.length, certificates: certificates.length }, 'tokens were read');
        },
      });
    }
    if (JwtJwksFile !== '') {
      watched.push({
        files: [{ key: 'JwtJwksFile', path: JwtJwksFile }],
        take: ([text]) => this.#access.setKeys(text?.toString('utf8') ?? ''),
      });
    }
    return watched;
  }
}

function jwtOptions(config: Config): JwtOptions | undefined {
  if (config.JwtJwksUrl === '' && config.JwtJwksFile === '') return undefined;
  return {
    jwksUrl: config.JwtJwksUrl,
    issuer: config.JwtIssuer,
    audience: config.JwtAudience,
    algorithms: JWT_ALGORITHMS,
    clockSkewSeconds: config.JwtClockSkewSeconds,
    permissionsClaim: config.JwtClaim,
  };
}

function tlsOptions({ TlsCert, TlsKey, TlsClientCa, TlsClientAuth }: Config) {
  const clientAuth = TlsClientAuth === 'optional' ? ('optional' as const) : ('require' as const);
  return { cert: TlsCert, key: TlsKey, clientCa: TlsClientCa, clientAuth };
}
