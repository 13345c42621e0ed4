-- Ingress: the link that a bind took the place of, or that an unbind gives back, which is of the same sync and object.
alter table change add column former_link jsonb;
