import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { CircleHelp, LogOut, Menu, Moon, Sun } from 'lucide-react';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { queryClient } from '../api/queries.js';
import { currentSession, currentToken, onSession, signOut } from '../api/session.js';
import { Button } from '../ui/button.js';
import { Toasts } from '../ui/toast.js';
import { Help } from './help.js';
import { LiveMark } from './live-mark.js';
import { Login } from './login.js';
import { PLACES } from './places.js';
import { Rail } from './rail.js';
import { focusFilter, focusRow, type Shortcut, useShortcuts } from './shortcuts.js';
import { switchTheme, useTheme } from './theme.js';

/** What surrounds every view; the login view stands in for all of it while the gateway wants a token. */
export function Shell() {
  const session = useSyncExternalStore(onSession, currentSession);
  return session.locked ? <Login session={session} /> : <Frame />;
}

function Frame() {
  const navigate = useNavigate();
  const theme = useTheme();
  const [railOpen, setRailOpen] = useState(false);
  const [help, setHelp] = useState(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const shortcuts = useMemo<readonly Shortcut[]>(
    () => [
      ...PLACES.map(({ to, name, key }) => ({ keys: `g ${key}`, does: name, run: () => void navigate({ to }) })),
      { keys: '/', does: 'To the first filter', run: focusFilter },
      { keys: 'j', does: 'Next row', run: () => focusRow(1) },
      { keys: 'k', does: 'Row before', run: () => focusRow(-1) },
      { keys: 'r', does: 'Read anew', run: () => void queryClient.invalidateQueries() },
      { keys: 't', does: 'Light or dark', run: switchTheme },
      { keys: '?', does: 'This overview', run: () => setHelp(true) },
    ],
    [navigate],
  );
  useShortcuts(shortcuts);
  useEffect(() => {
    const close = (event: KeyboardEvent) => event.key === 'Escape' && setRailOpen(false);
    window.addEventListener('keydown', close);
    return () => window.removeEventListener('keydown', close);
  }, []);
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <div className="shell">
      <a className="skip" href="#page">
        Skip to the page
      </a>
      <Rail open={railOpen} onGo={() => setRailOpen(false)} />
      {railOpen ? (
        <button type="button" className="veil" aria-label="Close the menu" onClick={() => setRailOpen(false)} />
      ) : null}
      <div className="main">
        <header className="topbar">
          <Button kind="quiet" size="icon" label="Menu" className="menu-button" onPress={() => setRailOpen(!railOpen)}>
            <Menu size={18} aria-hidden />
          </Button>
          <LiveMark />
          <span className="spacer" />
          {currentToken() === undefined ? null : (
            <Button kind="quiet" size="icon" label="Sign out" onPress={signOut}>
              <LogOut size={16} aria-hidden />
            </Button>
          )}
          <Button kind="quiet" size="icon" label={`Use the ${other} theme`} onPress={switchTheme}>
            {theme === 'dark' ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
          </Button>
          <Button kind="quiet" size="icon" label="Keys" onPress={() => setHelp(true)}>
            <CircleHelp size={16} aria-hidden />
          </Button>
        </header>
        {/* A view begins anew when its path changes; its filters do not make it another view. */}
        <Outlet key={path} />
      </div>
      {help ? <Help shortcuts={shortcuts} onClose={() => setHelp(false)} /> : null}
      <Toasts />
    </div>
  );
}
