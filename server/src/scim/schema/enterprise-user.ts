import { enterpriseUserUrn } from '../urns.ts';
import { attribute, complex, type ScimSchema } from './attribute.ts';

const string = (name: string, description: string) => attribute(name, 'string', description);

/** RFC 7643 sections 4.3 and 8.7.1. */
export const enterpriseUserSchema: ScimSchema = {
  id: enterpriseUserUrn,
  name: 'EnterpriseUser',
  description: 'Enterprise user',
  attributes: [
    string('employeeNumber', 'Number or code given by the organization.'),
    string('costCenter', 'Cost centre.'),
    string('organization', 'Organization.'),
    string('division', 'Division.'),
    string('department', 'Department.'),
    complex('manager', "The user's manager.", [
      attribute('value', 'string', 'Id of the manager.', { caseExact: true }),
      attribute('$ref', 'reference', 'Address of the manager.', { referenceTypes: ['User'] }),
      attribute('displayName', 'string', 'Name of the manager.', { mutability: 'readOnly' }),
    ]),
  ],
};
