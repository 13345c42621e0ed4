import { z } from 'zod';
import { timeSchema } from './page.ts';
import type { Route } from './route.ts';

/** A key by which events are signed; receivers find its public half by its id. */
export const signingKeySchema = z.object({
  id: z.string().describe('The `kid` of signatures and of the published key set.'),
  status: z
    .enum(['current', 'retired'])
    .describe('current: it signs. retired: it signs no more, and is published until publishedUntil.'),
  createdAt: timeSchema,
  retiredAt: timeSchema.nullable(),
  publishedUntil: timeSchema.nullable(),
});
export type SigningKeyView = z.infer<typeof signingKeySchema>;

/** Keys of the tenant by which connections of type `event_callback` sign what they tell. */
export const signingKeyRoutes = {
  listSigningKeys: {
    method: 'GET',
    path: '/signing-keys',
    summary: 'List the keys by which events are signed, as far as they are published',
    tag: 'connections',
    role: 'administrator',
    status: 200,
    response: z.object({ items: z.array(signingKeySchema) }),
    errors: [],
  },
  rotateSigningKey: {
    method: 'POST',
    path: '/signing-keys',
    summary: 'Sign with a new key from now on; the public half of the one before stays published for 30 days',
    tag: 'connections',
    role: 'administrator',
    status: 201,
    response: signingKeySchema,
    errors: [],
  },
} as const satisfies Record<string, Route>;
