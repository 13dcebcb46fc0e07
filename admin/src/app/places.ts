import {
  CalendarClock,
  Gauge,
  HeartCrack,
  Layers,
  Lock,
  type LucideIcon,
  Plug,
  ScrollText,
  Search,
  Send,
  Server,
  Timer,
} from 'lucide-react';

/** The views that can be reached from everywhere, as the rail shows them. The key goes with `g`. */
export const PLACES = [
  { group: 'Now', to: '/', name: 'Overview', key: 'o', icon: Gauge },
  { group: 'Now', to: '/topics', name: 'Topics', key: 't', icon: Layers },
  { group: 'Now', to: '/messages', name: 'Messages', key: 'm', icon: Search },
  { group: 'Now', to: '/dead', name: 'Dead letters', key: 'd', icon: HeartCrack },
  { group: 'Later', to: '/schedule', name: 'Schedule', key: 's', icon: Timer },
  { group: 'Later', to: '/cron', name: 'Cron', key: 'r', icon: CalendarClock },
  { group: 'Machinery', to: '/nodes', name: 'Nodes and shards', key: 'n', icon: Server },
  { group: 'Machinery', to: '/locks', name: 'Locks', key: 'l', icon: Lock },
  { group: 'Machinery', to: '/connections', name: 'Connections', key: 'c', icon: Plug },
  { group: 'Machinery', to: '/audit', name: 'Audit log', key: 'a', icon: ScrollText },
  { group: 'Machinery', to: '/publish', name: 'Publish', key: 'p', icon: Send },
] as const satisfies readonly {
  readonly group: string;
  readonly to: string;
  readonly name: string;
  readonly key: string;
  readonly icon: LucideIcon;
}[];
