import { Code, ConnectError } from '@connectrpc/connect';
import { useState } from 'react';
import { admin } from '../api/clients.js';
import { failureOf } from '../api/failure.js';
import { queryClient } from '../api/queries.js';
import { type Session, unlock } from '../api/session.js';
import { bearing } from '../api/transport.js';
import { Button } from '../ui/button.js';
import { Field } from '../ui/field.js';
import { Brand } from './brand.js';

/** Asks for a token, and tries it before it is kept. */
export function Login({ session }: { readonly session: Session }) {
  const [token, setToken] = useState('');
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    const tried = token.trim();
    if (tried === '' || busy) return;
    setBusy(true);
    const refused = await refusal(tried);
    setBusy(false);
    setFault(refused);
    if (refused !== '') return;
    queryClient.clear();
    unlock(tried);
  };
  return (
    <main className="login">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p className="brand">
          <Brand />
        </p>
        <h1>Sign in</h1>
        <p className="muted">
          {session.expired
            ? 'The gateway no longer takes the token that was used here. Give another one.'
            : 'This gateway wants a token with the right to administer. It is kept for this tab only.'}
        </p>
        <Field label="Token" type="password" value={token} onChange={setToken} fault={fault} autoFocus name="token" />
        <Button type="submit" kind="primary" busy={busy} disabled={token.trim() === ''}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

/** Why the token cannot be used; empty when it can. */
async function refusal(token: string): Promise<string> {
  if (!/^[\x21-\x7e]+$/.test(token)) return 'Wrong token: a token holds no spaces and no special characters.';
  try {
    await admin.getStats({}, { headers: bearing(token) });
    return '';
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code === Code.Unauthenticated) return 'Wrong token: the gateway does not know it.';
    // It is somebody's token; what it may see, each view tells.
    if (code === Code.PermissionDenied) return '';
    const { title, detail, advice } = failureOf(error);
    return `${title}. ${detail} ${advice}`;
  }
}
