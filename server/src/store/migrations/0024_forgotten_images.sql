-- What objects were before and after the changes of a job (its images) is kept for a time only.
alter table job add column images text not null default 'kept' check (images in ('kept', 'going', 'gone'));
create index job_with_images on job (ended_at) where images <> 'gone';
