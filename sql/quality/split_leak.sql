-- title: No near-duplicates on two sides of a split
-- grain: one cluster, or one text, with rows in more than one split
-- columns: kind (cluster or text), name (cluster id, or the smallest id of the text), splits, documents
-- fails when: rows of one near-duplicate cluster, or rows with the same text, lie in different splits
-- order: 6
-- severity: error
with placed as (
    select
        dataset.id,
        dataset.split,
        dataset.text,
        coalesce(clusters.cluster, dataset.cluster) as cluster
    from dataset
    left join clusters on dataset.id = clusters.id
),

leaks as (
    select
        'cluster' as kind,
        cluster as name,
        list_sort(list(distinct split)) as splits,
        count(*) as documents
    from placed
    group by cluster
    having count(distinct split) > 1
    union all
    select
        'text' as kind,
        min(id) as name,
        list_sort(list(distinct split)) as splits,
        count(*) as documents
    from placed
    group by sha256(text)
    having count(distinct split) > 1
)

select
    kind,
    name,
    array_to_string(splits, ', ') as splits,
    documents
from leaks
order by kind, name
