import { accessRoutes } from './access-routes.ts';
import { authZoneRoutes } from './auth-zone.ts';
import { accountRoutes } from './account-routes.ts';
import { configurationRoutes, connectionRoutes, syncRoutes } from './configuration-routes.ts';
import { connectionTokenRoutes } from './connection-token.ts';
import { directoryRoutes } from './directory-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { oauthRoutes } from './oauth.ts';
import type { Route } from './route.ts';
import { signingKeyRoutes } from './signing-key.ts';
import { tenantRoutes } from './tenant.ts';

/** Everything of the native API lies under this. */
export const apiPrefix = '/lockstep/v1';

const storeRoutes = {
  downloadBackup: {
    method: 'GET',
    path: '/backup',
    summary: 'Everything in the store at one moment, for `lockstep restore`; secrets stay sealed',
    tag: 'store',
    role: 'administrator',
    status: 200,
    response: null,
    media: 'application/octet-stream',
    errors: [],
  },
} as const satisfies Record<string, Route>;

/** The route table of the native API; the key is the operation id. */
export const routes = {
  ...accountRoutes,
  ...accessRoutes,
  ...oauthRoutes,
  ...configurationRoutes,
  ...connectionRoutes,
  ...connectionTokenRoutes,
  ...signingKeyRoutes,
  ...syncRoutes,
  ...authZoneRoutes,
  ...jobRoutes,
  ...directoryRoutes,
  ...tenantRoutes,
  ...storeRoutes,
} as const satisfies Record<string, Route>;
export type OperationId = keyof typeof routes;
