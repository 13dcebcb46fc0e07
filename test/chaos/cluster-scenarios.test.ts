import { inShort } from './in-short.js';
import { CLUSTER_SCENARIOS } from './scenarios/cluster.js';

inShort(CLUSTER_SCENARIOS);
