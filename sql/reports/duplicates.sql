-- title: Duplicates
-- grain: one source
-- columns: source, documents (normalised), exact, near, versions (duplicates by rule), rate (share of documents that
--   are duplicates), across_sources (duplicates whose keeper is of another source)
-- order: 4
-- bars: rate
with found as (
    select
        rows.source,
        duplicates.rule,
        keepers.source as keeper_source
    from rows
    inner join duplicates on rows.id = duplicates.id
    left join documents as keepers on duplicates.keeper = keepers.id
),

counted as (
    select
        source,
        count(*) as found,
        count(*) filter (where rule = 'exact_duplicate') as exact,
        count(*) filter (where rule = 'near_duplicate') as near,
        count(*) filter (where rule = 'version') as versions,
        count(*) filter (where keeper_source <> source) as across_sources
    from found
    group by source
),

totals as (
    select
        source,
        count(chars) as documents
    from rows
    group by source
)

select
    totals.source,
    totals.documents,
    coalesce(counted.exact, 0) as exact,
    coalesce(counted.near, 0) as near,
    coalesce(counted.versions, 0) as versions,
    round(coalesce(counted.found, 0) / greatest(totals.documents, 1), 4) as rate,
    coalesce(counted.across_sources, 0) as across_sources
from totals
left join counted on totals.source = counted.source
order by totals.source
