-- title: What the sites answered
-- grain: one source, purpose, outcome and status
-- columns: source, purpose, outcome, status (HTTP; empty where no answer came or none was asked for), requests,
--   documents (that the answers gave)
-- order: 9
-- bars: requests
select
    source,
    purpose,
    outcome,
    status,
    count(*) as requests,
    cast(sum(documents) as bigint) as documents
from fetches
group by source, purpose, outcome, status
order by source, purpose, outcome, status nulls first
