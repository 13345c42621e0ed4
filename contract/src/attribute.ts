import { z } from 'zod';

/** A value: text as a string, bytes that are no valid UTF-8 as `{"$base64": "..."}`. */
export const attributeValueSchema = z.union([z.string(), z.strictObject({ $base64: z.string() })]);
export type JsonAttributeValue = z.infer<typeof attributeValueSchema>;

/**
 * Attribute name to its values. Images of changes also carry `$parent`, `$name` and `$enabled`, one text each, and
 * `$password`, which says that one is set and not which.
 */
export const attributesSchema = z.record(z.string(), z.array(attributeValueSchema));
export type JsonAttributeMap = z.infer<typeof attributesSchema>;
