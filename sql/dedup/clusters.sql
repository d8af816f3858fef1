-- title: Every document and its cluster
-- grain: one document
-- columns: id, cluster (the least id in it, often its own)
select
    keys.id,
    coalesce(verified.cluster, keys.id) as cluster
from keys
left join verified on keys.id = verified.id
order by keys.id
