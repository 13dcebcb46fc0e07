import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { currentToken, lock } from './session.js';

/** Calls that a person waits for end by themselves. Streams have no deadline. */
const CALL_MS = 30_000;

const withToken: Interceptor = (next) => async (request) => {
  const token = currentToken();
  if (token !== undefined && !request.header.has('authorization')) {
    request.header.set('authorization', `Bearer ${token}`);
  }
  try {
    return await next(request);
  } catch (error) {
    // A token that is being tried is the login view's own affair.
    const sent = request.header.get('authorization');
    const current = token === undefined ? null : `Bearer ${token}`;
    if (ConnectError.from(error).code === Code.Unauthenticated && sent === current) lock();
    throw error;
  }
};

export const transport = createConnectTransport({
  baseUrl: window.location.origin,
  defaultTimeoutMs: CALL_MS,
  interceptors: [withToken],
});

/** Carries a token that is not the session's yet. */
export function bearing(token: string): Headers {
  return new Headers({ authorization: `Bearer ${token}` });
}
