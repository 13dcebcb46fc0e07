import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** A client made at run time from a published proto, as generic tools are: it has a method for each of the service's. */
export function genericClient(proto: string, service: string, url: string): InstanceType<ServiceClientConstructor> {
  const packages = loadPackageDefinition(loadSync(proto, { enums: String }));
  const found = service.split('.').reduce<unknown>(member, packages);
  if (!isService(found)) throw new Error(`${service} is not a service of ${proto}`);
  return new found(url, credentials.createInsecure());
}

function member(place: unknown, name: string): unknown {
  if (typeof place !== 'object' || place === null) return undefined;
  return new Map(Object.entries(place)).get(name);
}

function isService(value: unknown): value is ServiceClientConstructor {
  return typeof value === 'function' && 'service' in value;
}
