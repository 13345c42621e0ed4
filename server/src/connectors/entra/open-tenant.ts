import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import type { Replica } from '../../sync/replica.ts';
import type { GraphClient } from './graph-client.ts';

/** A tenant that can be asked, and the copy of it. */
export interface OpenTenant {
  readonly settings: EntraConnection;
  readonly graph: GraphClient;
  readonly replica: Replica;
  /** Cloud and tenant in one text. */
  readonly tenant: string;
}
