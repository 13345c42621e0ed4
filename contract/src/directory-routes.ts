import { z } from 'zod';
import { objectChangeSchema } from './change.ts';
import {
  createDirectoryObjectSchema,
  directoryObjectDetailSchema,
  directoryObjectSchema,
  directorySegmentSchema,
  memberSchema,
  updateDirectoryObjectSchema,
} from './directoryObject.ts';
import { pageOf, pageQuery } from './page.ts';
import type { Route } from './route.ts';

const objectParams = z.object({
  kind: directorySegmentSchema,
  object: z.string().min(1).max(4000).describe('Id, path (`/Sales/jdoe`, encoded), or user name of a user.'),
});

const membershipParams = objectParams.extend({
  member: z.string().min(1).max(4000).describe('Id, path, or user name of a user.'),
});
const memberKindQuery = z.strictObject({ memberKind: z.enum(['user', 'group']).default('user') });
const writeErrors = [
  'NotFound',
  'InvalidRequest',
  'ParentNotFound',
  'ParentCycle',
  'UsernameTaken',
  'NameTaken',
  'Conflict',
] as const;

/** Objects of the directory. */
export const directoryRoutes = {
  listDirectory: {
    method: 'GET',
    path: '/directory/{kind}',
    summary: 'List the objects of a kind, by id',
    tag: 'directory',
    role: 'reader',
    params: z.object({ kind: directorySegmentSchema }),
    query: z.strictObject({
      ...pageQuery,
      path: z
        .string()
        .max(4000)
        .optional()
        .describe('Objects right in the organizational unit with this path.'),
      parentId: z
        .string()
        .max(100)
        .optional()
        .describe('Objects right in the organizational unit with this id.'),
      prefix: z.string().max(200).optional().describe('Beginning of the user name or name.'),
    }),
    status: 200,
    response: pageOf(directoryObjectSchema),
    errors: ['NotFound'],
  },
  getDirectoryObject: {
    method: 'GET',
    path: '/directory/{kind}/{object}',
    summary: 'Show an object with its links and where its values come from',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    status: 200,
    response: directoryObjectDetailSchema,
    errors: ['NotFound'],
  },
  listMembers: {
    method: 'GET',
    path: '/directory/{kind}/{object}/members',
    summary: 'List the members of a group',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(memberSchema),
    errors: ['NotFound', 'InvalidRequest'],
  },
  listMemberships: {
    method: 'GET',
    path: '/directory/{kind}/{object}/memberships',
    summary: 'List the groups that a user or group is a direct member of',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(memberSchema),
    errors: ['NotFound', 'InvalidRequest'],
  },
  listObjectChanges: {
    method: 'GET',
    path: '/directory/{kind}/{object}/changes',
    summary: 'The history of one object: every change of it in any job, newest first',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(objectChangeSchema),
    errors: ['NotFound'],
  },
  createDirectoryObject: {
    method: 'POST',
    path: '/directory/{kind}',
    summary: 'Make a user, organizational unit or group',
    tag: 'directory',
    role: 'operator',
    params: z.object({ kind: directorySegmentSchema }),
    body: createDirectoryObjectSchema,
    status: 201,
    response: directoryObjectDetailSchema,
    errors: writeErrors,
  },
  updateDirectoryObject: {
    method: 'PATCH',
    path: '/directory/{kind}/{object}',
    summary: 'Change an object: values, name, place, account state',
    tag: 'directory',
    role: 'operator',
    params: objectParams,
    body: updateDirectoryObjectSchema,
    status: 200,
    response: directoryObjectDetailSchema,
    errors: writeErrors,
  },
  deleteDirectoryObject: {
    method: 'DELETE',
    path: '/directory/{kind}/{object}',
    summary: 'Delete an object with its memberships',
    tag: 'directory',
    role: 'operator',
    params: objectParams,
    query: z.strictObject({
      revision: z
        .string()
        .regex(/^\d{1,15}$/, 'must be a whole number')
        .transform(Number)
        .optional()
        .meta({
          type: 'integer',
          description: 'Refuse with `Conflict` unless the object has this revision.',
        }),
      contents: z
        .enum(['refuse', 'delete'])
        .default('refuse')
        .describe('An organizational unit that is not empty: refuse, or delete all that lies below it too.'),
    }),
    status: 204,
    response: null,
    errors: ['NotFound', 'Conflict'],
  },
  addMember: {
    method: 'PUT',
    path: '/directory/{kind}/{object}/members/{member}',
    summary: 'Make a user or group a member of a group',
    tag: 'directory',
    role: 'operator',
    params: membershipParams,
    query: memberKindQuery,
    status: 204,
    response: null,
    errors: ['NotFound', 'InvalidRequest', 'ParentCycle'],
  },
  removeMember: {
    method: 'DELETE',
    path: '/directory/{kind}/{object}/members/{member}',
    summary: 'Take a member out of a group',
    tag: 'directory',
    role: 'operator',
    params: membershipParams,
    query: memberKindQuery,
    status: 204,
    response: null,
    errors: ['NotFound', 'InvalidRequest'],
  },
} as const satisfies Record<string, Route>;
