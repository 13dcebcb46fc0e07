import { RabbitCluster } from '../support/services/rabbitmq-cluster.js';
import type { Stage } from './stage.js';

/** Takes 15 s to form, so the scenarios of one process share it; it ends with the process. */
let forming: Promise<RabbitCluster> | undefined;

/** Three RabbitMQ nodes, which the scenario may break; they are whole again when it ends. */
export async function rabbitCluster(stage: Stage): Promise<RabbitCluster> {
  forming ??= RabbitCluster.start();
  const cluster = await forming;
  stage.atEnd(async () => {
    try {
      await cluster.mend();
    } catch (error) {
      // The next scenario gets another one.
      forming = undefined;
      await cluster.remove();
      throw error;
    }
  });
  return cluster;
}
