import { LockstepError } from '../kernel/errors.ts';
import type { Endpoint } from './connector.ts';

function refuse(): never {
  throw new LockstepError('Internal', 'a job that asks no connected system has asked one');
}

/** For jobs that ask no connected system: an undo must be possible while the source is out of reach. */
export const noEndpoint: Endpoint = {
  capabilities: {
    source: false,
    target: false,
    kinds: [],
    disable: false,
    moveCarriesChildren: false,
    exports: false,
  },
  read: refuse,
  project: refuse,
  sameName: refuse,
  normaliseReference: refuse,
  contains: refuse,
  openTarget: refuse,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
