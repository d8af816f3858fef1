-- title: The dataset holds only what verdict, licence and policy allow
-- grain: one row of the dataset
-- columns: id, config, verdict, licence, problem; by the labels and documents as they stand, not by the row's own word
-- fails when: a row has no document or label, a licence outside its configuration, a verdict other than ALLOW (in
--   restricted: anything but an ESCALATION by rule licence.restricted alone), an nsfw domain, is a duplicate, or
--   holds an item of an evaluation set
-- order: 5
-- severity: error
with judged as (
    select
        dataset.id,
        dataset.config,
        labels.verdict,
        documents.licence,
        case
            when documents.id is null then 'no such document'
            when labels.id is null then 'no label'
            when labels.domain in ('nsfw_adult', 'nsfw_block') then 'nsfw text'
            when duplicates.id is not null then 'a duplicate of ' || duplicates.keeper
            when contaminated.id is not null then 'holds an evaluation item'
            when not coalesce(
                (dataset.config = 'default' and documents.licence in ('CC-BY-4.0', 'CC0-1.0', 'PDL-1.0', 'US-GOV-PD'))
                or (dataset.config = 'cc_by_sa' and documents.licence = 'CC-BY-SA-4.0')
                or (dataset.config = 'restricted' and documents.licence = 'restricted'),
                false
            ) then 'licence outside its configuration'
            when not coalesce(
                (dataset.config <> 'restricted' and labels.verdict = 'ALLOW')
                or (
                    dataset.config = 'restricted'
                    and labels.verdict = 'ESCALATION'
                    and list_distinct(labels.rules) = ['licence.restricted']
                ),
                false
            ) then 'verdict forbids it'
        end as problem
    from dataset
    left join documents on dataset.id = documents.id
    left join labels on dataset.id = labels.id
    left join duplicates on dataset.id = duplicates.id
    left join contaminated on dataset.id = contaminated.id
)

select
    id,
    config,
    verdict,
    licence,
    problem
from judged
where problem is not null
order by id
