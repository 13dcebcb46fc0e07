export { WaybillClient, type WaybillClientOptions } from './client.js';
export { WaybillContext } from './context.js';
export { WaybillEvent, WaybillRequest } from './decorators.js';
export { WaybillFailures } from './failures.js';
export type { WaybillHandlerOptions } from './handler-options.js';
export { type WaybillHealth, WaybillHealthIndicator } from './health.js';
export {
  WaybillModule,
  type WaybillModuleAsyncOptions,
  type WaybillModuleOptions,
  type WaybillModuleOptionsFactory,
} from './module.js';
export { WaybillRecord, type WaybillRecordOptions } from './record.js';
export { WaybillServer, type WaybillServerOptions } from './server.js';
export { InjectBus, WAYBILL_BUS, WAYBILL_TRANSPORT } from './tokens.js';
