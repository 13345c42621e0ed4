import type { Surface } from './surface.ts';
import { authentikSurface } from './surfaces/authentik/surface.ts';
import { eiamSurface } from './surfaces/eiam/surface.ts';
import { merakiSurface } from './surfaces/meraki/surface.ts';
import { nativeSurface } from './surfaces/native/surface.ts';
import { oauthSurface } from './surfaces/oauth/surface.ts';
import { scimSurface } from './surfaces/scim/surface.ts';
import { signingKeysSurface } from './surfaces/signing-keys/surface.ts';

/** Every API on the port; a vendor's API is one of these. Commands do not load them: they take time and memory. */
export const everySurface: readonly Surface[] = [
  nativeSurface,
  eiamSurface,
  merakiSurface,
  oauthSurface,
  authentikSurface,
  signingKeysSurface,
  scimSurface,
];
