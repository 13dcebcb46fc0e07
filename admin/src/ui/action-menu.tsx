import { EllipsisVertical } from 'lucide-react';
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';

export interface Action {
  readonly text: string;
  readonly danger?: boolean;
  readonly onAction: () => void;
}

/** What else can be done with a row. */
export function ActionMenu({ label, actions }: { readonly label: string; readonly actions: readonly Action[] }) {
  return (
    <MenuTrigger>
      <Button className="button" data-kind="quiet" data-size="small" aria-label={label}>
        <EllipsisVertical size={16} aria-hidden />
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" aria-label={label}>
          {actions.map(({ text, danger, onAction }) => (
            <MenuItem key={text} id={text} onAction={onAction} data-danger={danger || undefined}>
              {text}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
