import { say } from '../ui/toast.js';
import { queryClient } from './queries.js';

/** Does something, says that it was done, and reads what is shown anew. Rejects as the call does. */
export async function act<Answer>(call: Promise<Answer>, done: (answer: Answer) => string): Promise<void> {
  const answer = await call;
  say(done(answer));
  await queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'dry-run' });
}
