-- title: Sizes of near-duplicate clusters
-- grain: one size of cluster
-- columns: size (documents in the cluster), clusters, documents
-- order: 5
-- bars: clusters
with sizes as (
    select
        cluster,
        count(*) as size
    from clusters
    group by cluster
)

select
    size,
    count(*) as clusters,
    cast(sum(size) as bigint) as documents
from sizes
group by size
order by size
