import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { Bus } from '../bus.js';
import { connect } from '../connect.js';
import type { ConnectOptions } from '../options.js';
import { WaybillClient } from './client.js';
import { WaybillFailures } from './failures.js';
import { WaybillHealthIndicator } from './health.js';
import { WaybillServer, type WaybillServerOptions } from './server.js';
import { WAYBILL_BUS } from './tokens.js';

export interface WaybillModuleOptions extends WaybillServerOptions {
  /** Any bus that there is already; it stays open when the application stops. Default: one is connected, as `connect` says, and closed in the end. */
  bus?: Bus;
  /** How to connect, where no `bus` is given. Default: by the environment, as `connect()`. */
  connect?: string | ConnectOptions;
}

export interface WaybillModuleOptionsFactory {
  createWaybillOptions(): WaybillModuleOptions | Promise<WaybillModuleOptions>;
}

/** Where the options come from: a function (with what is injected into it), or a provider of them. */
export type WaybillModuleAsyncOptions = Pick<ModuleMetadata, 'imports'> &
  (
    | Pick<FactoryProvider<WaybillModuleOptions>, 'useFactory' | 'inject'>
    | { useClass: Type<WaybillModuleOptionsFactory> }
    | { useExisting: Type<WaybillModuleOptionsFactory> }
  );

const OPTIONS = Symbol('waybill.options');

/**
 * Gives the whole application its bus (`@InjectBus()`), its `WaybillServer` to listen with, a `WaybillClient` and a `WaybillHealthIndicator`. When the application has stopped,
 * handlers and all, the bus that it connected is closed.
 *
 * @example
 * @Module({ imports: [WaybillModule.forRoot({ connect: 'localhost:9091', channel: 'billing' })] })
 * class AppModule {}
 *
 * const app = await NestFactory.create(AppModule);
 * app.connectMicroservice({ strategy: app.get(WaybillServer) }, { inheritAppConfig: true });
 * app.enableShutdownHooks();
 * await app.startAllMicroservices();
 */
export class WaybillModule implements OnApplicationShutdown {
  readonly #held: HeldBus;

  /** @internal */
  constructor(held: HeldBus) {
    this.#held = held;
  }

  static forRoot(options: WaybillModuleOptions): DynamicModule {
    return dynamicModule([{ provide: OPTIONS, useValue: options }]);
  }

  static forRootAsync(options: WaybillModuleAsyncOptions): DynamicModule {
    return dynamicModule(optionsProviders(options), options.imports);
  }

  /** The last hook: Nest has stopped the servers, and what ran may have published to the end. */
  async onApplicationShutdown(): Promise<void> {
    if (this.#held.isOwn) await this.#held.bus.close();
  }
}

/** The bus of the module, and whether it is its own to close. */
class HeldBus {
  constructor(
    readonly bus: Bus,
    readonly isOwn: boolean,
  ) {}
}

// What `@Module({})` and `@Inject(HeldBus)` do, without asking the compiler for decorators.
Module({})(WaybillModule);
Inject(HeldBus)(WaybillModule, undefined, 0);

function optionsProviders(options: WaybillModuleAsyncOptions): Provider[] {
  if ('useFactory' in options) {
    const { useFactory, inject = [] } = options;
    return [{ provide: OPTIONS, useFactory, inject }];
  }
  const factory = 'useClass' in options ? options.useClass : options.useExisting;
  const provider: Provider = {
    provide: OPTIONS,
    useFactory: (made: WaybillModuleOptionsFactory) => made.createWaybillOptions(),
    inject: [factory],
  };
  return 'useClass' in options ? [provider, factory] : [provider];
}

function dynamicModule(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
  return {
    module: WaybillModule,
    global: true,
    imports,
    providers: [...options, ...PROVIDERS],
    exports: [WAYBILL_BUS, WaybillServer, WaybillClient, WaybillHealthIndicator],
  };
}

const PROVIDERS: Provider[] = [
  {
    provide: HeldBus,
    useFactory: async ({ bus, connect: to }: WaybillModuleOptions) =>
      bus === undefined ? new HeldBus(await connect(to), true) : new HeldBus(bus, false),
    inject: [OPTIONS],
  },
  { provide: WAYBILL_BUS, useFactory: ({ bus }: HeldBus) => bus, inject: [HeldBus] },
  {
    provide: WaybillServer,
    useFactory: (bus: Bus, { bus: _, connect: __, ...options }: WaybillModuleOptions) =>
      new WaybillServer(bus, options),
    inject: [WAYBILL_BUS, OPTIONS],
  },
  { provide: WaybillClient, useFactory: (bus: Bus) => new WaybillClient({ bus }), inject: [WAYBILL_BUS] },
  { provide: WaybillHealthIndicator, useFactory: (bus: Bus) => new WaybillHealthIndicator(bus), inject: [WAYBILL_BUS] },
  { provide: APP_INTERCEPTOR, useFactory: () => new WaybillFailures() },
];
