import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createConnectRouter, type HandlerContext } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { status } from '@grpc/grpc-js';
import type { Logger } from '../../ports/logger.js';
import type { Service } from '../../ports/service.js';
import type { Cancel, DirectServices } from '../direct/services.js';
import { CANCELLED, type CallStatus } from '../direct/status.js';
import { answerJson } from './answer.js';
import type { Origins } from './origin.js';
import type { Route } from './route.js';
import { callerOf, contextOf } from './rpc-caller.js';
import { toConnectError } from './rpc-error.js';
import { Responses } from './rpc-stream.js';

export interface RpcOptions {
  readonly services: readonly DescService[];
  readonly direct: DirectServices;
  /** The longest body of a message, in bytes. */
  readonly maxMessageBytes: number;
  readonly origins: Origins;
  readonly logger: Logger;
}

const UNSUPPORTED_MEDIA_TYPE = 415;
const HTTP_VERSION_NOT_SUPPORTED = 505;
/** Headers, keys and framing beside a body of the largest size. */
const SLACK_BYTES = 1024 * 1024;
/** JSON carries bytes as base64. */
const BASE64 = 4 / 3;
const TYPES =
  'application/json, application/proto, application/connect+json, application/connect+proto, application/grpc-web';

/**
 * The services of the gRPC port as Connect, gRPC-Web and JSON over HTTP/1.1: `POST /<service>/<method>`. Methods that stream both ways
 * need HTTP/2, and so the gRPC port.
 */
export class HttpCalls implements Service {
  readonly routes: readonly Route[];
  readonly #ending = new AbortController();

  constructor(options: RpcOptions) {
    // One listener for every call under way.
    setMaxListeners(0, this.#ending.signal);
    this.routes = routesOf(options, this.#ending.signal);
  }

  async start(): Promise<void> {}

  /** Ends what is still under way, such as watches, so that the port need not wait for it. */
  async stop(): Promise<void> {
    this.#ending.abort(new ConnectError('this gateway is shutting down', Code.Unavailable));
  }
}

function routesOf(options: RpcOptions, ending: AbortSignal): Route[] {
  const { services, direct, maxMessageBytes } = options;
  const router = createConnectRouter({
    grpc: false,
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: Math.ceil(maxMessageBytes * BASE64) + SLACK_BYTES,
    // A field that is misspelt is refused: a message whose delay was ignored would go out at once.
    jsonOptions: { ignoreUnknownFields: false },
    shutdownSignal: ending,
  });
  const routes: Route[] = [];
  for (const method of services.flatMap(({ methods }) => methods)) {
    if (isUnary(method)) router.rpc(method, (request, context) => unary(direct, method, request, context));
    else if (isServerStreaming(method))
      router.rpc(method, (request, context) => stream(direct, method, request, context));
    else routes.push(refusal(pathOf(method)));
  }
  return [...routes, ...served(router, options)];
}

function served({ handlers }: ConnectRouter, { origins, logger }: RpcOptions): Route[] {
  return handlers.flatMap((handler): Route[] => {
    const path = handler.requestPath;
    const call: Route = {
      path,
      method: 'POST',
      mayWait: true,
      handle(request, response) {
        serve(handler, origins, request, response).catch((error: unknown) => {
          // The client went away, or sent half a request.
          logger.debug({ error, path }, 'a call over http broke');
          response.destroy();
        });
      },
    };
    if (!origins.open) return [call];
    return [call, { path, method: 'OPTIONS', handle: (request, response) => origins.preflight(request, response) }];
  });
}

async function serve(
  handler: UniversalHandler,
  origins: Origins,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  const refused = origins.refusal(request);
  if (refused !== undefined) {
    refuse(response, 403, 'permission_denied', refused);
    return;
  }
  origins.allow(request, response);
  const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, contextOf(request)));
  if (answer.status === UNSUPPORTED_MEDIA_TYPE) {
    response.setHeader('accept-post', TYPES);
    refuse(response, answer.status, 'invalid_argument', `content-type takes ${TYPES}`);
    return;
  }
  await universalResponseToNodeResponse(answer, response);
}

function refusal(path: string): Route {
  const message = `${path} streams both ways, which takes HTTP/2: call it on the gRPC port`;
  return {
    path,
    method: 'POST',
    handle: (_, response) => refuse(response, HTTP_VERSION_NOT_SUPPORTED, 'unimplemented', message),
  };
}

/** An error as Connect's clients read one. The rest of the request is not waited for. */
function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.setHeader('connection', 'close');
  answerJson(response, status, { code, message });
}

function unary<I extends DescMessage, O extends DescMessage>(
  direct: DirectServices,
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
  context: HandlerContext,
): Promise<MessageShape<O>> {
  const { signal } = context;
  return new Promise((resolve, reject) => {
    let cancel: Cancel = () => {};
    const abort = () => cancel(abortedBy(signal));
    signal.addEventListener('abort', abort);
    cancel = direct.unary(pathOf(method), bytesOf(method.input, request), callerOf(context), (status, response) => {
      signal.removeEventListener('abort', abort);
      if (response === undefined) reject(toConnectError(status));
      else resolve(fromBinary(method.output, response));
    });
    if (signal.aborted) abort();
  });
}

async function* stream<I extends DescMessage, O extends DescMessage>(
  direct: DirectServices,
  method: DescMethodServerStreaming<I, O>,
  request: MessageShape<I>,
  context: HandlerContext,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  const { signal } = context;
  const responses = new Responses();
  const bytes = bytesOf(method.input, request);
  const call = direct.stream(pathOf(method), callerOf(context), responses, bytes);
  const abort = () => call.cancel(abortedBy(signal));
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    for (;;) {
      const next = await responses.next();
      if (Buffer.isBuffer(next)) yield fromBinary(method.output, next);
      else if (next.code === status.OK) return;
      else throw toConnectError(next);
    }
  } finally {
    signal.removeEventListener('abort', abort);
    call.cancel();
  }
}

/** The call's time is up, the gateway ends, or the client went away. */
function abortedBy({ reason }: AbortSignal): CallStatus {
  if (!(reason instanceof ConnectError)) return CANCELLED;
  const { code, rawMessage } = reason;
  return code === Code.DeadlineExceeded || code === Code.Unavailable
    ? { code, details: rawMessage, metadata: undefined }
    : CANCELLED;
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === 'unary';
}

function isServerStreaming(method: DescMethod): method is DescMethodServerStreaming {
  return method.methodKind === 'server_streaming';
}

function pathOf({ parent, name }: { readonly parent: DescService; readonly name: string }): string {
  return `/${parent.typeName}/${name}`;
}

function bytesOf<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Buffer {
  const bytes = toBinary(desc, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
