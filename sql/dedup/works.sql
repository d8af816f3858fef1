-- title: Works of which there is more than one document
-- grain: one document of such a work
-- columns: id, work, revision, cluster
with several as (
    select work
    from keys
    where work <> ''
    group by work
    having count(*) > 1
)

select
    keys.id,
    keys.work,
    keys.revision,
    clusters.cluster
from keys
semi join several on keys.work = several.work
inner join clusters on keys.id = clusters.id
order by keys.work, keys.id
