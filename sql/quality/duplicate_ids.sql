-- title: An id names one row
-- grain: one id of one table
-- columns: place (the table), id, occurrences
-- fails when: a table holds an id more than once
-- order: 4
-- severity: error
with ids as (
    select
        'documents' as place,
        id
    from documents
    union all
    select
        'normalised' as place,
        id
    from normalised
    union all
    select
        'measures' as place,
        id
    from measures
    union all
    select
        'pii' as place,
        id
    from pii
    union all
    select
        'labels' as place,
        id
    from labels
    union all
    select
        'duplicates' as place,
        id
    from duplicates
    union all
    select
        'clusters' as place,
        id
    from clusters
    union all
    select
        'dataset' as place,
        id
    from dataset
    union all
    select
        'attribution' as place,
        id
    from attribution
)

select
    place,
    id,
    count(*) as occurrences
from ids
group by place, id
having count(*) > 1
order by place, id
