-- title: What was dropped, and why
-- grain: one stage, reason and source
-- columns: stage, reason, source, documents, example (the smallest id; `hakusho why` tells its story)
-- order: 8
-- bars: documents
select
    stage,
    reason,
    source,
    count(*) as documents,
    min(id) as example
from drops
group by stage, reason, source
order by stage, reason, source
