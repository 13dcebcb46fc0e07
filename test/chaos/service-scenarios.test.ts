import { inShort } from './in-short.js';
import { SERVICE_SCENARIOS } from './scenarios/service.js';

inShort(SERVICE_SCENARIOS);
