// Preloaded: the packages that WITHOUT names, with commas between, cannot be found, as in an install that is not whole.
import { register } from 'node:module';

register('./without-hooks.mjs', { parentURL: import.meta.url, data: process.env.WITHOUT.split(',') });
