-- Accounts come and go: what one was given ends with it, and tokens tell what they are for and when they were used.
alter table api_token
  -- The account's says it.
  drop column tenant_id,
  add column label text not null default '',
  -- To the minute.
  add column last_used_at timestamptz,
  drop constraint api_token_account_id_fkey,
  add foreign key (account_id) references account (id) on delete cascade;
create index api_token_by_account on api_token (account_id, id);
alter table access_key
  drop constraint access_key_account_id_fkey,
  add foreign key (account_id) references account (id) on delete cascade;
alter table oauth_client
  drop constraint oauth_client_account_id_fkey,
  add foreign key (account_id) references account (id) on delete cascade;
alter table oauth_grant
  drop constraint oauth_grant_account_id_fkey,
  add foreign key (account_id) references account (id) on delete cascade;
alter table action_batch
  drop constraint action_batch_account_id_fkey,
  add foreign key (account_id) references account (id) on delete cascade;
