import { Code, ConnectError } from '@connectrpc/connect';

/** What an operator needs to hear of a call that failed. */
export interface Failure {
  readonly title: string;
  /** The gateway's own words; empty when it said nothing. */
  readonly detail: string;
  readonly advice: string;
  /** Asking again may help. */
  readonly passing: boolean;
}

/** A gateway that cannot be reached gives the browser no status at all. */
export function failureOf(error: unknown): Failure {
  const { code, rawMessage, cause } = ConnectError.from(error);
  if (cause instanceof TypeError || (code === Code.Unknown && /fetch|network/i.test(rawMessage))) {
    return {
      title: 'The gateway does not answer',
      detail: '',
      advice: 'It may be stopped, restarting, or cut off from this browser. This page asks again by itself.',
      passing: true,
    };
  }
  return { detail: rawMessage, ...explain(code) };
}

function explain(code: Code): Omit<Failure, 'detail'> {
  switch (code) {
    case Code.Unavailable:
      return {
        title: 'Not available right now',
        advice:
          'The gateway is there, and something it stands on is not: /readyz says which. This page asks again by itself.',
        passing: true,
      };
    case Code.DeadlineExceeded:
      return { title: 'That took too long', advice: 'Narrow the search, or try again.', passing: true };
    case Code.ResourceExhausted:
      return { title: 'The gateway is busy', advice: 'Wait a moment, then try again.', passing: true };
    case Code.NotFound:
      return { title: 'Not found', advice: 'It may have ended or been removed meanwhile.', passing: false };
    case Code.InvalidArgument:
    case Code.OutOfRange:
      return { title: 'The gateway refused this', advice: 'Change what is named above and try again.', passing: false };
    case Code.PermissionDenied:
      return {
        title: 'Your token may not do this',
        advice: 'Ask whoever gives out tokens for the right, or sign in with another one.',
        passing: false,
      };
    case Code.Unauthenticated:
      return { title: 'Please sign in', advice: 'The gateway wants a token.', passing: false };
    case Code.AlreadyExists:
      return { title: 'It exists already', advice: 'Choose another name.', passing: false };
    case Code.FailedPrecondition:
    case Code.Aborted:
      return { title: 'Not possible as things stand', advice: 'Look at its state, then try again.', passing: false };
    case Code.Unimplemented:
      return {
        title: 'This gateway does not know that call',
        advice: 'The UI and the gateway are of different versions: load the page anew.',
        passing: false,
      };
    case Code.Canceled:
    case Code.Unknown:
    case Code.Internal:
    case Code.DataLoss:
      return {
        title: 'Something went wrong in the gateway',
        advice: 'Its log holds the cause, under the id above.',
        passing: true,
      };
  }
}
