import { Link } from '@tanstack/react-router';
import { useLiveStats } from '../api/live-stats.js';
import { short } from '../text/number.js';
import { Brand } from './brand.js';
import { PLACES } from './places.js';

const GROUPS = [...new Set(PLACES.map(({ group }) => group))];

/** Where one can go. On a narrow screen it lies over the page while it is open. */
export function Rail({ open, onGo }: { readonly open: boolean; readonly onGo: () => void }) {
  const dead = useLiveStats().latest?.depths?.dead ?? 0n;
  return (
    <nav className="rail" aria-label="Views" data-open={open || undefined}>
      <Link to="/" className="brand" onClick={onGo}>
        <Brand />
      </Link>
      {GROUPS.map((group) => (
        <section key={group}>
          <h2>{group}</h2>
          <ul>
            {PLACES.filter((place) => place.group === group).map(({ to, name, icon: Icon }) => (
              <li key={to}>
                <Link to={to} activeOptions={{ exact: to === '/', includeSearch: false }} onClick={onGo}>
                  <Icon size={16} aria-hidden />
                  {name}
                  {to === '/dead' && dead > 0n ? <span className="tally">{short(dead)}</span> : null}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <p className="foot">
        <kbd>?</kbd> shows the keys
      </p>
    </nav>
  );
}
