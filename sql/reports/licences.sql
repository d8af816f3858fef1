-- title: Licences and rights
-- grain: one licence, source and set of rights flags
-- columns: licence, source, rights (flags that the source states), documents, chars (of the normalised text),
--   in_dataset (documents), configs (of the dataset)
-- order: 3
-- bars: documents
select
    coalesce(licence, '(none)') as licence,
    source,
    array_to_string(list_sort(rights), ', ') as rights,
    count(*) as documents,
    cast(coalesce(sum(chars), 0) as bigint) as chars,
    count(config) as in_dataset,
    coalesce(string_agg(distinct config, ', ' order by config), '') as configs
from rows
group by all
order by licence, source, rights
