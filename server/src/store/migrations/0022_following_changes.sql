-- The change writes more of an object that another change of the same plan writes before it: the two are one to a reader of counts.
alter table change add column follows boolean not null default false;
