import { type ReactNode, useEffect, useRef } from 'react';

export interface PageProps {
  readonly title: string;
  /** Of the browser's tab, where `title` alone does not say which. */
  readonly documentTitle?: string;
  /** Where this page lies, as links. */
  readonly crumb?: ReactNode;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** One view: names the document, and takes the focus when it opens, so that a screen reader reads on from here. */
export function Page({ title, documentTitle = title, crumb, about, actions, children }: PageProps) {
  const page = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${documentTitle} · Waybill`;
  }, [documentTitle]);
  useEffect(() => {
    // A form may have taken it already.
    if (!page.current?.contains(document.activeElement)) page.current?.focus({ preventScroll: true });
  }, []);
  return (
    <main className="page" id="page" tabIndex={-1} ref={page}>
      <div className="page-head">
        <div className="titles">
          {crumb === undefined ? null : <p className="crumb">{crumb}</p>}
          <h1>{title}</h1>
          {about === undefined ? null : <p className="about">{about}</p>}
        </div>
        {actions === undefined ? null : <div className="actions">{actions}</div>}
      </div>
      {children}
    </main>
  );
}

export function Card({
  title,
  actions,
  children,
}: {
  readonly title: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className="card">
      <header>
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}
