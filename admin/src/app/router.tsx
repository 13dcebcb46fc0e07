import { createRootRoute, createRoute, createRouter, Link } from '@tanstack/react-router';
import { Page } from '../ui/page.js';
import { Empty, Failed } from '../ui/state.js';
import { Dead } from '../views/dead/dead.js';
import { Audit } from '../views/machinery/audit.js';
import { Connections } from '../views/machinery/connections.js';
import { Locks } from '../views/machinery/locks.js';
import { Nodes } from '../views/machinery/nodes.js';
import { MessageView } from '../views/messages/message.js';
import { Messages } from '../views/messages/messages.js';
import { Overview } from '../views/overview/overview.js';
import { Publish } from '../views/publish/publish.js';
import { Cron } from '../views/schedule/cron.js';
import { Schedule } from '../views/schedule/schedule.js';
import { ChannelView } from '../views/topics/channel.js';
import { Topic } from '../views/topics/topic.js';
import { Topics } from '../views/topics/topics.js';
import { filtersNamed, parseSearch, stringifySearch } from './search.js';
import { Shell } from './shell.js';

/** Each view and all of its filters are in the URL: it can be sent to somebody, and Back goes back. */
const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => (
    <Page title="This view failed">
      <div className="card">
        <Failed error={error} onRetry={reset} />
      </div>
    </Page>
  ),
});

const at = { getParentRoute: () => root };
const routes = [
  createRoute({ ...at, path: '/', component: Overview }),
  createRoute({ ...at, path: '/topics', component: Topics, validateSearch: filtersNamed('prefix', 'channel') }),
  createRoute({ ...at, path: '/topics/$topic', component: Topic }),
  createRoute({ ...at, path: '/topics/$topic/$channel', component: ChannelView }),
  createRoute({
    ...at,
    path: '/messages',
    component: Messages,
    validateSearch: filtersNamed('id', 'key', 'header', 'topic', 'channel', 'state', 'after', 'before'),
  }),
  createRoute({ ...at, path: '/messages/$topic/$id', component: MessageView }),
  createRoute({
    ...at,
    path: '/schedule',
    component: Schedule,
    validateSearch: filtersNamed('topic', 'channel', 'after', 'before'),
  }),
  createRoute({ ...at, path: '/cron', component: Cron, validateSearch: filtersNamed('topic', 'prefix') }),
  createRoute({
    ...at,
    path: '/dead',
    component: Dead,
    validateSearch: filtersNamed('topic', 'channel', 'reason', 'ids', 'after', 'before'),
  }),
  createRoute({ ...at, path: '/nodes', component: Nodes }),
  createRoute({ ...at, path: '/locks', component: Locks, validateSearch: filtersNamed('prefix') }),
  createRoute({ ...at, path: '/connections', component: Connections, validateSearch: filtersNamed('node') }),
  createRoute({ ...at, path: '/audit', component: Audit, validateSearch: filtersNamed('after', 'before') }),
  createRoute({ ...at, path: '/publish', component: Publish, validateSearch: filtersNamed('topic') }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: '/admin',
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function NotFound() {
  return (
    <Page title="No such page">
      <div className="card">
        <Empty title="There is no view at this address">
          <p>
            It may be of another version of the gateway. <Link to="/">Go to the overview</Link>.
          </p>
        </Empty>
      </div>
    </Page>
  );
}
