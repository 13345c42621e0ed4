-- Lists of a tenant by id: by the primary key their pages would be looked for among the objects of all tenants.
create index directory_user_by_tenant on directory_user (tenant_id, id);
create index directory_group_by_tenant on directory_group (tenant_id, id);
create index organizational_unit_by_tenant on organizational_unit (tenant_id, id);
