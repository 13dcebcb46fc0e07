import { say } from '../ui/toast.js';
import { queryClient } from './queries.js';

/** Does something, says that it was done, and has what is shown read anew. Rejects as the call does. */
export async function act<Answer>(call: Promise<Answer>, done: (answer: Answer) => string): Promise<void> {
  const answer = await call;
  say(done(answer));
  void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'dry-run' });
}
