/** Where the operations on people and identity providers lie, under `/api/v1`. */
export const iam = '/organizations/{organizationId}/iam/users';
