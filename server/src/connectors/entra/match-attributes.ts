/**
 * Attributes of people for matching only, never written: `matchAddress` has the user principal name and the mail of an
 * account, `matchName` the part before the @ of a user principal name at the default domain.
 */
export const matchOnly: readonly string[] = ['matchAddress', 'matchName'];
