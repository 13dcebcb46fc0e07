import { Code, ConnectError } from '@connectrpc/connect';
import { QueryClient } from '@tanstack/react-query';
import { failureOf } from './failure.js';

/** How often what is on the screen is asked for again. */
export const REFRESH_MS = 5_000;

const RETRIES = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: true,
      retry: (count, error) =>
        count < RETRIES && ConnectError.from(error).code !== Code.DeadlineExceeded && failureOf(error).passing,
      retryDelay: (count) => 500 * 2 ** count,
    },
    mutations: { retry: false },
  },
});
