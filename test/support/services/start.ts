import { chooseOwn, NEEDS, type OwnSource, programOf } from './choose.js';
import { ContainerService } from './container.js';
import { ensureDebianPackages } from './debian.js';
import { thisMachine } from './machine.js';
import { startLocalMariadb } from './mariadb.js';
import { startLocalRabbit } from './rabbitmq.js';
import { startLocalRedis } from './redis.js';
import type { RabbitService, Service, ServiceName } from './service.js';

interface Started {
  rabbitmq: RabbitService;
  mysql: Service;
  redis: Service;
}

const local: { readonly [N in ServiceName]: (program: string) => Promise<Started[N]> } = {
  rabbitmq: startLocalRabbit,
  mysql: startLocalMariadb,
  redis: startLocalRedis,
};

export async function startFrom<N extends ServiceName>(name: N, source: OwnSource): Promise<Started[N]> {
  switch (source.kind) {
    case 'container':
      try {
        return await ContainerService.start(name);
      } catch (error) {
        // An engine without a way to fetch images is as good as none.
        console.error(`  ${NEEDS[name].title} does not start in Docker, trying without: ${error}`);
        const [choice] = await chooseOwn([name], { ...thisMachine, dockerAnswers: async () => false });
        if (!choice) throw error;
        return startFrom(name, choice.source);
      }
    case 'program':
      return local[name](source.path);
    case 'install': {
      await ensureDebianPackages(source.packages);
      const path = programOf(name, thisMachine);
      if (!path) throw new Error(`${source.packages.join(', ')} is installed, and ${NEEDS[name].title} is not there`);
      return local[name](path);
    }
  }
}

/** One more service beside the shared ones, for a test that breaks it. */
export async function startOwn<N extends ServiceName>(name: N): Promise<Started[N]> {
  const [choice] = await chooseOwn([name], thisMachine);
  if (!choice) throw new Error(`no source for ${name}`);
  return startFrom(name, choice.source);
}
