-- A source that has been closed sends no more: the door does not know it. What came from it stays.
alter table source add column closed_at timestamptz;
