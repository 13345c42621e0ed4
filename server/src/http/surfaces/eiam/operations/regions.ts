import { operation, type Operation } from '../operation.ts';

/** Lockstep has one region; policies and clients may name any. */
const regionId = 'cn-hangzhou';

const listRegions = operation({
  name: 'ListRegions',
  level: 'list',
  parameters: {},
  resource: () => 'region/*',
  deviations: ['answers with one region, whose endpoint is this server'],
  handler: async ({ origin }) => ({
    Regions: [{ RegionId: regionId, LocalName: 'Lockstep', RegionEndpoint: new URL(origin).host }],
  }),
});

const listEiamRegions = operation({
  name: 'ListEiamRegions',
  level: 'list',
  parameters: {},
  resource: () => 'region/*',
  deviations: ['answers with one region, whose endpoint is this server'],
  handler: async ({ origin }) => ({
    Regions: [{ RegionId: regionId, LocalName: 'Lockstep', RegionEndpoint: new URL(origin).host }],
  }),
});

export const regionOperations: readonly Operation[] = [listRegions, listEiamRegions];
