import { describe } from 'vitest';
import { engines } from './engines.js';
import { adminCron } from './suite/admin-cron.js';

describe.each(engines)('an operator and cron entries, on the $name engine', adminCron);
