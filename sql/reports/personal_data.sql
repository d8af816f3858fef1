-- title: Personal data and secrets
-- grain: one type, action and source
-- columns: type, action (what was done with the span), source, spans, documents
-- order: 7
-- bars: spans
select
    type,
    action,
    source,
    count(*) as spans,
    count(distinct id) as documents
from spans
group by type, action, source
order by type, action, source
