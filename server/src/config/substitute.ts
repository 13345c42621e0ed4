/** The environment to take values from. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Unresolved {
  /** As it stands in the text: `${NAME}`. */
  readonly written: string;
  /** The variable that is not set; undefined when the braces hold no name. */
  readonly variable: string | undefined;
}

/**
 * Replaces `${NAME}` from the environment; `$${` stands for `${` itself. What is put in is not looked at again.
 * A variable that is set and empty is replaced by nothing.
 */
export function substitute(
  text: string,
  environment: Environment,
): { text: string; unresolved: Unresolved[] } {
  const unresolved: Unresolved[] = [];
  const replaced = text.replace(/\$\$\{|\$\{([^}]*)\}?/g, (written: string, name: string | undefined) => {
    if (written === '$${') return '${';
    const valid = name !== undefined && written.endsWith('}') && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
    const value = valid ? environment[name] : undefined;
    if (value === undefined) unresolved.push({ written, variable: valid ? name : undefined });
    return value ?? '';
  });
  return { text: replaced, unresolved };
}
