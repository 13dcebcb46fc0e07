import { Dialog } from '../ui/dialog.js';
import type { Shortcut } from './shortcuts.js';

export function Help({
  shortcuts,
  onClose,
}: {
  readonly shortcuts: readonly Shortcut[];
  readonly onClose: () => void;
}) {
  const going = shortcuts.filter(({ keys }) => keys.startsWith('g '));
  const others = shortcuts.filter(({ keys }) => !keys.startsWith('g '));
  return (
    <Dialog title="Keys" open onClose={onClose} wide>
      <div className="shortcuts">
        <Keys title="Go to" shortcuts={going} />
        <Keys title="On the page" shortcuts={others} />
      </div>
      <p className="muted">
        <kbd>Tab</kbd> and <kbd>Enter</kbd> reach everything; <kbd>Esc</kbd> closes what is open.
      </p>
    </Dialog>
  );
}

function Keys({ title, shortcuts }: { readonly title: string; readonly shortcuts: readonly Shortcut[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {shortcuts.map(({ keys, does }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
