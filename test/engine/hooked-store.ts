import type { Staging, SyncStore } from '../../server/src/sync/sync-store.ts';

/** Called instead of a method of the engine's port to the store; `proceed` is that method. */
export type Hook = (method: string, proceed: () => unknown) => unknown;

/** The port with every call of it and of its staging handed to the hook. */
export function hookedStore(store: SyncStore, hook: Hook): SyncStore {
  return hooked(store, hook);
}

function hooked<Port extends object>(port: Port, hook: Hook): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function' || typeof name === 'symbol') return value;
      return (...parameters: unknown[]): unknown => {
        const result = hook(name, () => value.apply(target, parameters) as unknown);
        if (name !== 'openStaging') return result;
        return (result as Promise<Staging>).then((staging) => hooked(staging, hook));
      };
    },
  });
}
