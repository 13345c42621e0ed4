import { z } from 'zod';
import { connectionSchema } from './connection-configuration.ts';
import { directions, kinds, onMissingPolicies } from './vocabulary.ts';

const guardLimitSchema = z
  .strictObject({
    count: z
      .int()
      .nonnegative()
      .optional()
      .describe('Most losses that pass; without it there is no absolute limit.'),
    percent: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .describe('Most losses that pass, in percent of the objects linked in scope.'),
    floor: z
      .int()
      .nonnegative()
      .optional()
      .describe('Up to this many losses the percentage is not looked at; 5 when not given.'),
  })
  .refine((limit) => limit.floor === undefined || limit.percent !== undefined, {
    path: ['floor'],
    message: 'a floor softens a percentage: name `percent` too',
  });
export const guardSchema = z
  .strictObject({
    user: guardLimitSchema.optional().describe('Limits for people.'),
    organizationalUnit: guardLimitSchema.optional().describe('Limits for organizational units.'),
    group: guardLimitSchema.optional().describe('Limits for groups.'),
    membership: guardLimitSchema.optional().describe('Limits for members removed from groups.'),
    blanked: guardLimitSchema
      .optional()
      .describe(
        'Limits for objects that lose all values of an attribute; users, groups and organizational units are counted each by themselves.',
      ),
    hold: z
      .enum(['destructive', 'all'])
      .default('destructive')
      .describe('What a tripped guard holds: all that takes something away, or the whole plan.'),
  })
  .describe('When a plan takes away more than this, it waits for an approval.');
export type GuardConfiguration = z.infer<typeof guardSchema>;

/** `uid` copies a source attribute; a list takes the first that has values; `{cel}` computes; `{value}` is fixed; null unmaps. */
export const mappingRuleSchema = z
  .union([
    z.string().min(1).describe('Copy all values of this source attribute.'),
    z.array(z.string().min(1)).min(1).describe('Copy the first of these source attributes that has values.'),
    z
      .strictObject({ cel: z.string().min(1).describe('A CEL expression over `source`.') })
      .describe('Compute.'),
    z
      .strictObject({ value: z.union([z.string(), z.array(z.string())]).describe('The value or values.') })
      .describe('The same value for every object.'),
    z.null().describe('No rule: the attribute is not managed.'),
  ])
  .describe('Where the values of a target attribute come from.');
const kindMapSchema = z.record(z.string().min(1), mappingRuleSchema);
export const mapSchema = z
  .strictObject({
    user: kindMapSchema.optional().describe('Target attribute of a user to rule.'),
    organizationalUnit: kindMapSchema
      .optional()
      .describe('Target attribute of an organizational unit to rule.'),
    group: kindMapSchema.optional().describe('Target attribute of a group to rule.'),
  })
  .describe("Rules over those of the connector's default mapping.");

const timeZoneSchema = z
  .string()
  .default('UTC')
  .describe('A name of the IANA time zone database, for example Europe/Berlin.');
export const scheduleSchema = z
  .union([
    z.strictObject({
      cron: z.string().describe('A Quartz expression of six or seven fields, seconds first: "0 45 1 * * ?".'),
      timeZone: timeZoneSchema,
    }),
    z.strictObject({
      hours: z
        .array(z.int().min(0).max(23))
        .min(1)
        .describe(
          'Hours of the day; each run starts somewhere inside its hour, at the same moment for the same sync.',
        ),
      timeZone: timeZoneSchema,
    }),
  ])
  .describe('When the sync runs by itself.');
export type ScheduleConfiguration = z.infer<typeof scheduleSchema>;

export const scopeSchema = z.strictObject({
  source: z.string().describe('The node to read under: a DN, or a path of the directory such as /people.'),
  target: z.string().describe('The node that it is identified with on the other side.'),
  filter: z
    .string()
    .optional()
    .describe(
      'Only users and groups that this filter matches: ingress in the notation of the connected system (RFC 4515 for LDAP), egress a CEL condition over directory attributes, such as `source.title[0] == "Engineer"`; `source["$groups"]` has the ids of the groups that an object is a direct member of, `source["$kind"]` its kind.',
    ),
});

const objectActions = z.array(z.enum(['create', 'update', 'move', 'disable', 'enable', 'delete']));
export const actionsSchema = z
  .strictObject({
    user: objectActions.optional().describe('For people.'),
    organizationalUnit: objectActions.optional().describe('For organizational units.'),
    group: objectActions.optional().describe('For groups.'),
    membership: z
      .array(z.enum(['addMember', 'removeMember']))
      .optional()
      .describe('For members of groups.'),
  })
  .describe(
    'Egress: what may be done in the connected system. What is not in the list of its kind is left out of the plan; a kind that is not named may have everything done.',
  );
export type ActionsConfiguration = z.infer<typeof actionsSchema>;

const matchAttributes = z.array(z.string().min(1));
export const syncSchema = z.strictObject({
  connection: z.string().describe('The name of the connection.'),
  direction: z
    .enum(directions)
    .describe(
      'ingress: from the connection into the directory; egress: from the directory to the connection.',
    ),
  scopes: z
    .array(scopeSchema)
    .min(1)
    .optional()
    .describe('What is synced, and where it lies on the other side; without it everything, root to root.'),
  kinds: z
    .array(z.enum(kinds))
    .min(1)
    .optional()
    .describe('Kinds to sync; without it all that the connection has.'),
  match: z
    .union([
      matchAttributes,
      z.strictObject({
        user: matchAttributes.optional().describe('Attributes for users.'),
        organizationalUnit: matchAttributes.optional().describe('Attributes for organizational units.'),
        group: matchAttributes.optional().describe('Attributes for groups.'),
      }),
    ])
    .optional()
    .describe(
      'Directory attributes by which an object that is not linked yet is found, best first. A list is for users.',
    ),
  map: mapSchema.optional(),
  actions: actionsSchema.optional(),
  onMissing: z
    .enum(onMissingPolicies)
    .default('ignore')
    .describe('What becomes of a linked object that is gone from the source.'),
  guard: guardSchema.optional(),
  schedule: scheduleSchema.optional(),
  continuous: z
    .boolean()
    .default(false)
    .describe(
      'Egress: run soon after each change of the directory as well, changes of a second or two together. After a run that failed the next one waits a minute, twice as long each time, an hour at most; what failed in one that did the rest is tried again in the same way, a day apart at most, and with each change.',
    ),
  passwords: z
    .boolean()
    .optional()
    .describe(
      'Egress to LDAP: passwords that are set through an API are written as well. They wait sealed for ten minutes at most.',
    ),
  enabled: z.boolean().default(true).describe('false: neither its schedule nor anybody starts it.'),
});
export type SyncConfiguration = z.infer<typeof syncSchema>;

/** The name of a connection or a sync, fit for a command line and a URL. */
export const nameSchema = z
  .string()
  .regex(
    /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,99}$/u,
    'a name has letters, digits, `_`, `.` and `-`, at most 100',
  );

export const authZoneTypes = ['access_policy', 'node_group', 'product', 'ssid'] as const;
export const authZoneSchema = z.strictObject({
  type: z.enum(authZoneTypes).describe('What kind of thing people are let into.'),
  connections: z
    .array(z.string())
    .default([])
    .describe('Names of the connections whose people may be let in.'),
  network: z
    .strictObject({
      id: z.string().min(1).describe('The id of the network in its own system.'),
      name: z.string().min(1).describe('What people call it.'),
    })
    .optional()
    .describe('The network that the zone belongs to.'),
});
export type AuthZoneConfiguration = z.infer<typeof authZoneSchema>;

export const configurationSchema = z.strictObject({
  connections: z.record(nameSchema, connectionSchema).default({}).describe('Systems by their names.'),
  syncs: z
    .record(nameSchema, syncSchema)
    .default({})
    .describe(
      'Syncs by their names, in the order in which they run and in which their values take precedence.',
    ),
  precedence: z
    .record(z.string().min(1), z.array(z.string().min(1)))
    .optional()
    .describe(
      'Directory attribute to the syncs that may set it, best first; without it the order of the syncs counts. $enabled is whether an account is enabled, $parent the organizational unit.',
    ),
  authZones: z
    .record(nameSchema, authZoneSchema)
    .default({})
    .describe('Zones that people are authorized in through the Meraki API, by their names.'),
});
export type Configuration = z.infer<typeof configurationSchema>;
