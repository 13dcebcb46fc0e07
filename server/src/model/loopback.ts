import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether the host, a name or an address, as it stands or in the brackets of a URL, is this machine for certain: nobody else reaches
 * it. For those who trust where it is. What must be looked up first may be anybody's, and `127.1` is looked up.
 */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*:.*)\]$/, '$1');
  const family = isIP(address);
  if (family === 0) return address.toLowerCase() === 'localhost';
  return LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether the host may well turn out to be this machine alone. For those who guard it more closely where it is. */
export function mayBeLoopback(host: string): boolean {
  return isLoopback(host) || host.startsWith('127.') || host.toLowerCase().endsWith('.localhost');
}
