-- title: From fetch to dataset
-- grain: one source
-- columns: source, fetches, documents, normalised, duplicates, labelled, allow, escalation, deny, refuse, dataset,
--   dropped (rows by stage and reason, most first; duplicates once, where they were found)
-- order: 1
-- bars: documents, dataset
with sources as (
    select source from fetches
    union
    select source from documents
    union
    select source from drops
),

asked as (
    select
        source,
        count(*) as fetches
    from fetches
    group by source
),

counted as (
    select
        source,
        count(*) as documents,
        count(chars) as normalised,
        count(keeper) as duplicates,
        count(verdict) as labelled,
        count(*) filter (where verdict = 'ALLOW') as allow,
        count(*) filter (where verdict = 'ESCALATION') as escalation,
        count(*) filter (where verdict = 'DENY') as deny,
        count(*) filter (where verdict = 'REFUSE') as refuse,
        count(config) as dataset
    from rows
    group by source
),

reasons as (
    select
        source,
        stage,
        reason,
        count(*) as number
    from drops
    where not (stage = 'dataset' and reason in ('duplicate', 'version', 'contaminated'))
    group by source, stage, reason
),

listed as (
    select
        source,
        string_agg(stage || ' ' || reason || ' ' || number, ', ' order by number desc, stage asc, reason asc) as dropped
    from reasons
    group by source
)

select
    sources.source,
    coalesce(asked.fetches, 0) as fetches,
    coalesce(counted.documents, 0) as documents,
    coalesce(counted.normalised, 0) as normalised,
    coalesce(counted.duplicates, 0) as duplicates,
    coalesce(counted.labelled, 0) as labelled,
    coalesce(counted.allow, 0) as allow,
    coalesce(counted.escalation, 0) as escalation,
    coalesce(counted.deny, 0) as deny,
    coalesce(counted.refuse, 0) as refuse,
    coalesce(counted.dataset, 0) as dataset,
    coalesce(listed.dropped, '') as dropped
from sources
left join asked on sources.source = asked.source
left join counted on sources.source = counted.source
left join listed on sources.source = listed.source
order by sources.source
