-- title: Labels keep to the vocabulary and to the policy
-- grain: one label
-- columns: id, verdict, domain, problem
-- fails when: a verdict or domain is none of ours or missing, nsfw text is allowed, text that is not openly licensed is
--   allowed, a verdict stricter than ALLOW names no rule, or a score is outside 0 to 1
-- order: 11
-- severity: error
with judged as (
    select
        labels.id,
        labels.verdict,
        labels.domain,
        case
            when coalesce(labels.verdict, '') not in ('ALLOW', 'ESCALATION', 'DENY', 'REFUSE') then 'unknown verdict'
            when
                coalesce(labels.domain, '') not in (
                    'defense_public', 'aerospace', 'medical_reg', 'law_policy',
                    'wikipedia_ja_en', 'nsfw_adult', 'nsfw_block', 'general'
                )
                then 'unknown domain'
            when labels.verdict = 'ALLOW' and labels.domain in ('nsfw_adult', 'nsfw_block') then 'nsfw text is allowed'
            when labels.verdict = 'ALLOW' and coalesce(documents.licence, 'restricted') = 'restricted'
                then 'text without an open licence is allowed'
            when labels.verdict <> 'ALLOW' and len(labels.rules) = 0 then 'no rule stands behind the verdict'
            when not (labels.verdict_score between 0 and 1 and labels.domain_score between 0 and 1)
                then 'score outside 0 to 1'
        end as problem
    from labels
    left join documents on labels.id = documents.id
)

select
    id,
    verdict,
    domain,
    problem
from judged
where problem is not null
order by id
