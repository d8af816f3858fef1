-- title: Every row of the dataset can be credited
-- grain: one row of the dataset
-- columns: id, source, problem
-- fails when: ATTRIBUTION.parquet has no row for it, or no time of retrieval
-- order: 9
-- severity: error
select
    dataset.id,
    dataset.source,
    case when attribution.id is null then 'not in ATTRIBUTION.parquet' else 'no time of retrieval' end as problem
from dataset
left join attribution on dataset.id = attribution.id
where attribution.retrieved_at is null
order by dataset.id
