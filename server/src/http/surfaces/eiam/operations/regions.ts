import { operation, type Operation } from '../operation.ts';

/** Lockstep has one region; policies and clients may name any. */
export const regionId = 'cn-hangzhou';

const region = { RegionId: regionId, LocalName: 'Lockstep' };
const oneRegion = {
  level: 'list',
  parameters: {},
  resource: () => 'region/*',
  deviations: ['answers with one region: this server'],
} as const;

const listRegions = operation({
  ...oneRegion,
  name: 'ListRegions',
  handler: async ({ origin }) => ({ Regions: [{ ...region, RegionEndpoint: new URL(origin).host }] }),
});

const listEiamRegions = operation({
  ...oneRegion,
  name: 'ListEiamRegions',
  handler: async () => ({ Regions: [region] }),
});

export const regionOperations: readonly Operation[] = [listRegions, listEiamRegions];
