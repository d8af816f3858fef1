-- title: What the labels say
-- grain: one source, domain, verdict and language
-- columns: source, domain, verdict, lang, documents, chars (of the normalised text), in_dataset (documents)
-- order: 2
-- bars: documents, chars
select
    source,
    domain,
    verdict,
    lang,
    count(*) as documents,
    cast(sum(chars) as bigint) as chars,
    count(config) as in_dataset
from rows
where verdict is not null
group by source, domain, verdict, lang
order by source, domain, verdict, lang
