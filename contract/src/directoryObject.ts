import { z } from 'zod';
import { attributesSchema } from './attribute.ts';
import { timeSchema } from './page.ts';
import { directionSchema } from './vocabulary.ts';

/** The path segment of each kind of object. */
export const directorySegments = {
  users: 'user',
  organizationalUnits: 'organizationalUnit',
  groups: 'group',
} as const;
export type DirectorySegment = keyof typeof directorySegments;
export const directorySegmentSchema = z.enum(['users', 'organizationalUnits', 'groups']);

const objectKindSchema = z.enum(['organizationalUnit', 'user', 'group']);

export const directoryObjectSchema = z.object({
  id: z.string(),
  serial: z.int(),
  kind: objectKindSchema,
  name: z.string().describe('The user name of a user, the name of another object.'),
  path: z.string().describe('`/a/b` from the root; a slash in a name is written `\\/`.'),
  parentId: z.string().nullable().describe('null: the root.'),
  enabled: z.boolean(),
  attributes: attributesSchema,
  revision: z.int(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type DirectoryObject = z.infer<typeof directoryObjectSchema>;

/** The tie of an object to its counterpart in a connection, as one sync sees it. */
export const linkSchema = z.object({
  sync: z.string(),
  syncId: z.string(),
  connection: z.string(),
  direction: directionSchema,
  externalId: z.string(),
  location: z.string().nullable(),
  state: z.enum(['live', 'missing']),
  linkedAt: timeSchema,
});
export type LinkView = z.infer<typeof linkSchema>;

/** An object with where it comes from and goes to. */
export const directoryObjectDetailSchema = directoryObjectSchema.extend({
  organizationalUnits: z.array(z.string()).describe('Further organizational units of a user, by id.'),
  links: z.array(linkSchema),
  provenance: z
    .record(z.string(), z.string())
    .describe('Attribute to the name of the ingress sync whose value it has.'),
});
export type DirectoryObjectDetail = z.infer<typeof directoryObjectDetailSchema>;

/** One side of a membership: the member of a group, or a group of a member. */
export const memberSchema = z.object({
  id: z.string(),
  kind: z.enum(['user', 'group']),
  name: z.string(),
  since: timeSchema,
});
export type Member = z.infer<typeof memberSchema>;

const parentField = z
  .string()
  .min(1)
  .max(4000)
  .describe(
    'Path or id of the organizational unit that it is in, of a user the primary one; `/` is the root.',
  );
const userFields = {
  enabled: z.boolean().optional().describe('Only of users.'),
  organizationalUnits: z
    .array(z.string().max(100))
    .max(1000)
    .optional()
    .describe('All further organizational units of a user, by id.'),
};

/** An object to be made. */
export const createDirectoryObjectSchema = z.strictObject({
  name: z.string().describe('The user name of a user, the name of another object.'),
  parent: parentField.optional(),
  attributes: attributesSchema.optional(),
  ...userFields,
});
export type CreateDirectoryObject = z.infer<typeof createDirectoryObjectSchema>;

/** What shall be otherwise: what is not given stays. */
export const updateDirectoryObjectSchema = z.strictObject({
  name: z.string().optional().describe('The user name of a user, the name of another object.'),
  parent: parentField.optional(),
  attributes: attributesSchema
    .optional()
    .describe('Values to replace, by attribute; an empty list removes the attribute. Others stay.'),
  ...userFields,
  revision: z.int().optional().describe('Refuse with `Conflict` unless the object has this revision.'),
});
export type UpdateDirectoryObject = z.infer<typeof updateDirectoryObjectSchema>;
