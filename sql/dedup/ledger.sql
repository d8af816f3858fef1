-- title: The books of deduplication
-- grain: one document
-- columns: stage, unit, id, outcome, reason (the rule), detail (the keeper)
select
    'dedup' as stage,
    'all' as unit,
    keys.id,
    case when duplicates.id is null then 'kept' else 'dropped' end as outcome,
    coalesce(duplicates.rule, '') as reason,
    coalesce(duplicates.keeper, '') as detail
from keys
left join duplicates on keys.id = duplicates.id
order by keys.id
