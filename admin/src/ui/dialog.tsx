import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

export interface DialogProps {
  readonly title: ReactNode;
  readonly open: boolean;
  readonly onClose: () => void;
  readonly wide?: boolean;
  /** A question that must be answered: a click beside it does not close it. */
  readonly question?: boolean;
  readonly children: ReactNode;
}

export function Dialog({ title, open, onClose, wide = false, question = false, children }: DialogProps) {
  return (
    <ModalOverlay
      className="overlay"
      isOpen={open}
      onOpenChange={(next) => next || onClose()}
      isDismissable={!question}
    >
      <Modal className="modal" data-wide={wide || undefined}>
        <AriaDialog className="dialog" role={question ? 'alertdialog' : 'dialog'}>
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
