-- Each run to a system that cannot disable accounts says how many of these there are.
create index directory_user_disabled on directory_user (tenant_id) where not enabled;
