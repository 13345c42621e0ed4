import type { Zone } from '../../../app/zones/zones.ts';

/** A zone; its network only where it has one. */
export function renderZone(zone: Zone) {
  const { serial, name, type, network } = zone;
  return {
    id: String(serial),
    name,
    type,
    ...(network === null ? {} : { network: { id: network.id, name: network.name } }),
  };
}
