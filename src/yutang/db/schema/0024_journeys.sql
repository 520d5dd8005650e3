-- The runs of one journey, the newest first, page after page.
create index enrolment_journey on enrolment (journey_id, entered_at, bucket, person_id);
