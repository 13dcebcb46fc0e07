import { parseUrl } from './address.js';
import { boolean, choice, integer, text } from './setting.js';

const path = {
  limit: 'a file path',
  accepts: (file: string) => file.trim() !== '' && !/[\\/]$/.test(file),
  suggestion: 'write the path of a file',
};

/** The keys that say who may do what, and what others may read on the way. */
export const SECURITY = {
  TlsCert: text({
    group: 'Security',
    default: '',
    ...path,
    doc: 'The certificate that both ports show, PEM, with those between it and its authority; read again when it changes; empty means no TLS.',
  }),
  TlsKey: text({
    group: 'Security',
    default: '',
    ...path,
    doc: 'The private key of TlsCert, PEM; read again when it changes.',
  }),
  TlsClientCa: text({
    group: 'Security',
    default: '',
    ...path,
    doc: 'Authorities, PEM, whose client certificates are taken (mutual TLS); read again when it changes.',
  }),
  TlsClientAuth: choice({
    group: 'Security',
    default: 'require',
    choices: ['require', 'optional'],
    doc: 'With TlsClientCa: whether a client without a certificate is refused, or may bring a token.',
  }),
  Tokens: text({
    group: 'Security',
    default: '',
    ...path,
    doc: 'The file of tokens and client certificates and what each may do, YAML or JSON; read again when it changes; see docs/security.md.',
  }),
  JwtJwksUrl: text({
    group: 'Security',
    default: '',
    limit: 'an https:// or http:// URL',
    accepts: (url) => /^https?:$/.test(parseUrl(url)?.protocol ?? ''),
    suggestion: 'write https://issuer.example/.well-known/jwks.json',
    secret: 'url',
    doc: 'Where the public keys of JSON Web Tokens are fetched; empty means JwtJwksFile, or that none is taken.',
  }),
  JwtJwksFile: text({
    group: 'Security',
    default: '',
    ...path,
    doc: 'The public keys of JSON Web Tokens in a file (a JSON Web Key Set); read again when it changes.',
  }),
  JwtIssuer: text({
    group: 'Security',
    default: '',
    limit: 'at most 1024 characters',
    accepts: (issuer) => issuer.length <= 1_024,
    suggestion: 'shorten it',
    doc: 'What the claim iss of a token must be; needed where tokens are taken.',
  }),
  JwtAudience: text({
    group: 'Security',
    default: '',
    limit: 'at most 1024 characters',
    accepts: (audience) => audience.length <= 1_024,
    suggestion: 'shorten it',
    doc: 'What the claim aud of a token must be, or hold; needed where tokens are taken.',
  }),
  JwtClaim: text({
    group: 'Security',
    default: 'waybill',
    limit: 'the name of a claim',
    accepts: (claim) => /^[\x21-\x7e]{1,128}$/.test(claim),
    suggestion: 'write waybill, or a name such as https://example.com/waybill',
    doc: 'The claim that holds what a token may do, beside words waybill:<right>:<pattern> of the claim scope.',
  }),
  JwtClockSkewSeconds: integer({
    group: 'Security',
    default: 30,
    min: 0,
    max: 600,
    unit: 'seconds',
    doc: 'How far the clock of an issuer may be away from ours.',
  }),
  MaxCallsPerSecondPerClient: integer({
    group: 'Security',
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'calls a second',
    doc: 'The most calls, and opened streams, of one client at this gateway: of one name, or of one address where nobody is asked; 0 means no limit.',
  }),
  MaxPublishesPerSecondPerClient: integer({
    group: 'Security',
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'messages a second',
    doc: 'The most messages that one client publishes through this gateway; 0 means no limit.',
  }),
  ReflectionEnabled: boolean({
    group: 'Security',
    default: true,
    doc: 'Whether the gRPC port tells anybody which services there are (server reflection); it names no topic.',
  }),
  AllowInsecure: boolean({
    group: 'Security',
    default: false,
    doc: 'Whether the gateway may serve everybody who reaches an address other than 127.0.0.1, asking nobody who they are.',
  }),
} as const;
