-- title: No masked value is left in the dataset
-- grain: one span of one row of the dataset, or one row whose text is not the masked one
-- columns: id, source, type, start, problem; the value itself is not shown
-- fails when: a row's text is not the masked text, or a structured value that was masked at one place (telephone
--   number, card, secret, …; not names, addresses, post codes and dates, which also stand for themselves) is still
--   readable in it as a whole; a value that was kept on purpose elsewhere in the same text is no fault
-- order: 7
-- severity: error
with found as (
    select
        spans.id,
        spans.source,
        spans.type,
        spans.action,
        spans.start,
        substring(normalised.text, spans.start + 1, spans."end" - spans.start) as value
    from spans
    inner join normalised on spans.id = normalised.id
    where spans.type not in ('NAME', 'ADDRESS', 'POSTAL_CODE', 'BIRTHDATE')
),

kept as (
    select
        id,
        value
    from found
    where action = 'keep'
),

masked as (
    select
        found.id,
        found.source,
        found.type,
        found.start,
        found.value
    from found
    anti join kept on found.id = kept.id and found.value = kept.value
    where found.action = 'mask' and length(found.value) >= 6
),

problems as (
    select
        dataset.id,
        dataset.source,
        '' as type,
        null as start,
        'not the masked text' as problem
    from dataset
    inner join pii on dataset.id = pii.id
    where dataset.text <> pii.text
    union all
    select
        masked.id,
        masked.source,
        masked.type,
        masked.start,
        'value still readable' as problem
    from masked
    inner join dataset on masked.id = dataset.id
    where regexp_matches(dataset.text, '(^|[^0-9A-Za-z])' || regexp_escape(masked.value) || '($|[^0-9A-Za-z])')
)

select
    id,
    source,
    type,
    start,
    problem
from problems
order by id, problem, start
