import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { listenHost } from '../../config/engine.js';
import type { Config } from '../../config/schema.js';
import { parseCredentials } from '../../edge/access/credentials-file.js';
import { isLoopback } from '../../model/loopback.js';
import { type Check, fail, ok, warn } from './check.js';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const SEE = 'see docs/security.md';

/** Who may reach the gateway of this configuration, and the files that say what they may do. */
export function checkSecurity(config: Config, now = Date.now()): Check[] {
  return [openCheck(config), ...tokensCheck(config), ...certificateCheck(config, now)];
}

function openCheck(config: Config): Check {
  const host = listenHost(config);
  const asks = [config.Tokens, config.JwtJwksUrl, config.JwtJwksFile, config.TlsClientCa].some((value) => value !== '');
  if (isLoopback(host)) return ok('access', `${host}, this machine alone${asks ? ', with credentials' : ''}`);
  if (asks && config.TlsCert !== '') return ok('access', `${host}, with credentials and TLS`);
  if (asks)
    return warn('access', `${host}, with credentials that travel in plain text`, `set TlsCert and TlsKey: ${SEE}`);
  if (config.AllowInsecure) return warn('access', `${host}, open to everybody (AllowInsecure)`, `set Tokens: ${SEE}`);
  return fail('access', `${host} would be open to everybody: it will not start`, `set Tokens or AllowInsecure: ${SEE}`);
}

function tokensCheck({ Tokens }: Config): Check[] {
  if (Tokens === '') return [];
  try {
    const { tokens, certificates } = parseCredentials(readFileSync(Tokens, 'utf8'));
    return [ok('tokens', `${tokens.length} tokens and ${certificates.length} certificates in ${Tokens}`)];
  } catch (error) {
    return [fail('tokens', `${Tokens}: ${wordsOf(error)}`, SEE)];
  }
}

function certificateCheck({ TlsCert }: Config, now: number): Check[] {
  if (TlsCert === '') return [];
  try {
    const { validTo } = new X509Certificate(readFileSync(TlsCert));
    const days = Math.floor((Date.parse(validTo) - now) / DAY_MS);
    if (days < 0) return [fail('certificate', `${TlsCert} is expired since ${validTo}`, 'put a new one in its place')];
    const found = `${TlsCert}, good for ${days} days`;
    return [days < SOON_DAYS ? warn('certificate', found, 'put a new one in its place') : ok('certificate', found)];
  } catch (error) {
    return [fail('certificate', `${TlsCert}: ${wordsOf(error)}`, SEE)];
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
