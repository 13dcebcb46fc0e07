import { useQuery } from '@tanstack/react-query';

/** What an action would hit, asked while its question stands. It is counted anew each time. */
export function useDryRun<Answer>(key: readonly unknown[], ask: (signal: AbortSignal) => Promise<Answer>) {
  const { data, error } = useQuery({
    queryKey: ['dry-run', ...key],
    queryFn: ({ signal }) => ask(signal),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return { answer: data, error: error ?? undefined };
}
