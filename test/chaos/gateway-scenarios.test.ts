import { inShort } from './in-short.js';
import { GATEWAY_SCENARIOS } from './scenarios/gateway.js';

inShort(GATEWAY_SCENARIOS);
