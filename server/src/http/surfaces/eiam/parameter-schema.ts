/**
 * What an operation takes, as data. Parameters arrive flattened (`UdSyncScopeConfigs.1.SourceScopes.2=ou_x`) and are
 * read by these schemas, never by guessing; what a schema does not name is ignored.
 */
export type ParameterSchema = StringSchema | NumberSchema | BooleanSchema | ArraySchema | ObjectSchema;

interface Presence {
  /** Missing or empty: `MissingParameter.<Name>`. */
  readonly required?: true;
}

export interface StringSchema extends Presence {
  readonly type: 'string';
  /** Bounds on the length in UTF-16 units; at most 4096 when not given. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Must match whole: write `^` and `$`. */
  readonly pattern?: RegExp;
  readonly values?: readonly string[];
}

/** `integer` is 32 bits, `long` 64 bits of which only safe integers are taken (RFC 8259 section 6). */
export interface NumberSchema extends Presence {
  readonly type: 'integer' | 'long';
  readonly minimum?: number;
  readonly maximum?: number;
}

/** `true` and `false`, in any letter case. */
export interface BooleanSchema extends Presence {
  readonly type: 'boolean';
}

export interface ArraySchema extends Presence {
  readonly type: 'array';
  readonly items: ParameterSchema;
  /** At most 1000 when not given. */
  readonly maxItems?: number;
}

export interface ObjectSchema extends Presence {
  readonly type: 'object';
  readonly fields: Fields;
}

export type Fields = Readonly<Record<string, ParameterSchema>>;

/** The value that a schema reads: string, number, boolean, array or object. */
export type ValueOf<Schema> = Schema extends { type: 'string'; values: readonly (infer Value)[] }
  ? Value
  : Schema extends { type: 'string' }
    ? string
    : Schema extends { type: 'integer' | 'long' }
      ? number
      : Schema extends { type: 'boolean' }
        ? boolean
        : Schema extends { type: 'array'; items: infer Item }
          ? readonly ValueOf<Item>[]
          : Schema extends { type: 'object'; fields: infer Members }
            ? ParametersOf<Members>
            : never;

type RequiredNames<Members> = {
  [Name in keyof Members]: Members[Name] extends { required: true } ? Name : never;
}[keyof Members];

/** The parameters of an operation: required ones are there, others may be undefined. */
export type ParametersOf<Members> = {
  readonly [Name in RequiredNames<Members>]: ValueOf<Members[Name]>;
} & {
  readonly [Name in Exclude<keyof Members, RequiredNames<Members>>]?: ValueOf<Members[Name]> | undefined;
};
