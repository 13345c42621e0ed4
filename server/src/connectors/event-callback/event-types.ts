import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';

/** Types of events, as Alibaba Cloud IDaaS names them. */
const prefix = 'urn:alibaba:idaas:app:event';
const user = (name: string): string => `${prefix}:ud:user:${name}`;
const unit = (name: string): string => `${prefix}:ud:organizational_unit:${name}`;
const group = (name: string): string => `${prefix}:ud:group:${name}`;

export const testEvent = `${prefix}:common:test`;

/** The issuer of every event, too. */
export const issuer = prefix;

/** What an event can say of an object. */
export type Aspect = 'create' | 'update' | 'move' | 'disable' | 'enable' | 'delete';

export const objectEvents: Readonly<Record<ObjectKind, Readonly<Record<Aspect, string>>>> = {
  user: {
    create: user('create'),
    update: user('update_info'),
    move: user('update_primary_ou'),
    disable: user('disable'),
    enable: user('enable'),
    delete: user('delete'),
  },
  organizationalUnit: {
    create: unit('create'),
    update: unit('update'),
    move: unit('update_parent_organizational_unit'),
    disable: unit('update'),
    enable: unit('update'),
    delete: unit('delete'),
  },
  group: {
    create: group('create'),
    update: group('update'),
    move: group('update'),
    disable: group('update'),
    enable: group('update'),
    delete: group('delete'),
  },
};

/** Groups within groups are unknown there: their events bear names of Lockstep's own. */
export const memberEvents = {
  user: { addMember: group('add_user'), removeMember: group('remove_user') },
  group: { addMember: group('add_group'), removeMember: group('remove_group') },
} as const;
