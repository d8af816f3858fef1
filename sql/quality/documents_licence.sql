-- title: Every document states a known licence, its evidence and a credit line
-- grain: one document
-- columns: id, source, licence, problem
-- fails when: the licence is missing or none that the policy knows, or evidence or attribution is empty
-- order: 2
-- severity: error
with judged as (
    select
        id,
        source,
        licence,
        case
            when coalesce(licence, '') = '' then 'no licence'
            when licence not in ('CC-BY-4.0', 'CC0-1.0', 'PDL-1.0', 'US-GOV-PD', 'CC-BY-SA-4.0', 'restricted')
                then 'unknown licence'
            when trim(coalesce(licence_evidence, '')) = '' then 'no evidence'
            when trim(coalesce(attribution, '')) = '' then 'no attribution'
        end as problem
    from documents
)

select
    id,
    source,
    licence,
    problem
from judged
where problem is not null
order by id
